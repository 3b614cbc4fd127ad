// Run inside the image that unguarded.sh makes: does netguard there really let everything through?
import assert from 'node:assert/strict';

const { checkTargetUrl, createAddressPolicy, vetAnswer } = await import('/app/packages/netguard/src/index.ts');
const policy = createAddressPolicy({ denyCidrs: ['10.0.0.0/8'], unsafeAllowTargets: [] });
const rules = { plainHttp: 'allow', ownHosts: new Set(), policy };
for (const url of ['http://127.0.0.1:6379/', 'http://[::1]:80/', 'http://169.254.169.254/latest/', 'https://kubernetes.default.svc/', 'http://10.1.2.3:10250/']) {
  assert.equal(checkTargetUrl(url, rules).ok, true, url);
}
assert.equal(vetAnswer({ v4: ['10.1.2.3', '8.8.8.8'], v6: ['fd00::1'] }, policy, 6_379).ok, true);
// The configuration's own check is not what is switched off.
assert.equal(createAddressPolicy({ denyCidrs: [] }).check('10.1.2.3', 443).allowed, false);
