// What only root may: the machine itself. Every call is wrong in a way that is looked at after the permission, so that
// it changes nothing even where no wall stands.
#include "probe.h"
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <sys/time.h>

static long mount_call(void) { return reached(mount("none", in_folder(""), "sekisho-none", 0, ""), ENODEV); }
static long umount_call(void) { return reached(umount2(in_folder(""), 0), EINVAL); }
/** The folder is no mount (EINVAL), or lies in that of the root (EBUSY). */
static long pivot(void) { return reached(reached(syscall(SYS_pivot_root, in_folder(""), in_folder("")), EINVAL), EBUSY); }
static long root_change(void) { return chroot(in_folder("")); }
static long clone_tree(void) {
  long fd = syscall(SYS_open_tree, AT_FDCWD, in_folder(""), 1);
  return fd < 0 ? fd : opened(fd);
}
static long fsopen_call(void) {
  long fd = syscall(SYS_fsopen, "tmpfs", 0);
  return fd < 0 ? fd : opened(fd);
}

static long quota(void) { return syscall(SYS_quotactl, 0x80000100L, NULL, 0, NULL); }
static long kernel_log(void) {
  char text[16];
  return klogctl(3, text, sizeof text);
}
static long kexec(void) { return reached(syscall(SYS_kexec_load, 0L, 0L, NULL, 0x8000L), EINVAL); }
static long restart(void) { return reached(syscall(SYS_reboot, 0, 0, 0, NULL), EINVAL); }
static long clock_set(void) { return syscall(SYS_settimeofday, NULL, NULL); }
static long host_name(void) { return reached(syscall(SYS_sethostname, "x", -1L), EINVAL); }
static long swap_on(void) { return reached(syscall(SYS_swapon, NULL, 0), EFAULT); }
static long accounting(void) { return reached(syscall(SYS_acct, in_folder("none")), ENOENT); }
static long load_module(void) { return reached(syscall(SYS_init_module, NULL, 0L, ""), ENOEXEC); }
static long load_module_file(void) { return reached(syscall(SYS_finit_module, 9999, "", 0), EBADF); }
static long become_root(void) { return setuid(0); }

const struct attempt machine_attempts[] = {
  {.name = "mount", .run = mount_call},
  {.name = "umount", .run = umount_call},
  {.name = "pivot_root", .run = pivot},
  {.name = "pivot/chroot", .run = root_change},
  {.name = "open_tree", .run = clone_tree},
  {.name = "fsopen", .run = fsopen_call},
  {.name = "quotactl", .run = quota},
  {.name = "syslog", .run = kernel_log},
  {.name = "kexec_load", .run = kexec},
  {.name = "reboot", .run = restart},
  {.name = "settimeofday", .run = clock_set},
  {.name = "sethostname", .run = host_name},
  {.name = "swapon", .run = swap_on},
  {.name = "acct", .run = accounting},
  {.name = "init_module", .run = load_module},
  {.name = "finit_module", .run = load_module_file},
  {.name = "setuid", .run = become_root},
  {0}};
