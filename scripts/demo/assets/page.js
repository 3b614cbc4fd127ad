// The demo page: shows what passed, how small it became, and what each attack met.
const $ = (id) => document.getElementById(id);
const kib = (bytes) => (bytes < 10_240 ? `${(bytes / 1024).toFixed(1)} KiB` : `${Math.round(bytes / 1024)} KiB`);
const proxied = (url, flags = '') => `/proxy/image.webp?url=${encodeURIComponent(url)}${flags}`;
const budget = async () => (await (await fetch('/demo/budget', { cache: 'no-store' })).json()).leftMs;

const { pictures, video, attacks } = await (await fetch('/demo/plan', { cache: 'no-store' })).json();
const totals = { original: 0, passed: 0, shown: 0 };

const show = async ({ title, url, flags, bytes }) => {
  const figure = document.createElement('figure');
  const image = document.createElement('img');
  const caption = document.createElement('figcaption');
  image.alt = title;
  image.src = proxied(url, flags);
  figure.append(image, caption);
  $('wall').append(figure);
  const answer = await fetch(image.src);
  const size = Number(answer.headers.get('content-length'));
  caption.textContent = answer.ok ? `${title}: ${kib(bytes)} → ${kib(size)}` : `${title}: ${answer.status} ${answer.headers.get('sekisho-code') ?? ''}`;
  if (!answer.ok) return;
  totals.original += bytes;
  totals.passed += size;
  totals.shown += 1;
  const saved = Math.round(100 - (totals.passed / totals.original) * 100);
  $('totals').textContent = `${totals.shown} pictures: ${kib(totals.original)} of strangers' bytes became ${kib(totals.passed)} (${saved} % less).`;
};

const clip = $('clip');
clip.src = proxied(video.url);
clip.addEventListener('seeked', () => ($('clip-facts').textContent = `seeked to ${clip.currentTime.toFixed(1)} s of ${clip.duration.toFixed(1)} s`));
clip.addEventListener('error', () => ($('clip-facts').textContent = 'the video did not load'));

const verdictOf = (answers) => {
  const counts = new Map();
  for (const { status, code } of answers) counts.set(`${status} ${code}`, (counts.get(`${status} ${code}`) ?? 0) + 1);
  return [...counts].map(([verdict, count]) => (count > 1 ? `${count} × ${verdict}` : verdict)).join(', ');
};

const send = async (attack) =>
  await Promise.all(
    Array.from({ length: attack.times }, async (_, index) => {
      if (attack.everyMs !== undefined) await new Promise((resolve) => setTimeout(resolve, index * attack.everyMs));
      const answer = await fetch(proxied(attack.url.replace('{n}', String(index)), attack.flags), { cache: 'no-store' });
      await answer.arrayBuffer();
      return { status: answer.status, code: answer.headers.get('sekisho-code') ?? 'passed' };
    }),
  );

const fill = (row, cells) => row.replaceChildren(...cells.map((text) => Object.assign(document.createElement('td'), { textContent: text })));

const fire = async (attack) => {
  const row = document.createElement('tr');
  row.dataset.attack = attack.id;
  fill(row, [attack.title, 'under way …', '', '', '']);
  $('results').prepend(row);
  const before = await budget();
  const start = performance.now();
  const answers = attack.outside ? await (await fetch(`/demo/fire?${attack.id}`, { cache: 'no-store' })).json() : await send(attack);
  const took = performance.now() - start;
  const after = await budget();
  fill(row, [attack.title, verdictOf(answers), `${Math.round(took)} ms`, `${Math.max(0, Math.round(before - after))} ms`, `${Math.round(after)} ms`]);
  row.dataset.done = 'true';
};

for (const attack of attacks) {
  const button = Object.assign(document.createElement('button'), { textContent: attack.title, id: `attack-${attack.id}` });
  button.addEventListener('click', () => {
    button.disabled = true;
    void fire(attack).finally(() => (button.disabled = false));
  });
  $('attacks').append(button);
}

await Promise.all(pictures.map(show));
document.body.dataset.ready = 'true';
