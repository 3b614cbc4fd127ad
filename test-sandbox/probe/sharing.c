// Shared memory and queues of the system: a post box between decoders of different sites.
#include "probe.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static long shared_memory(void) {
  int id = shmget(IPC_PRIVATE, 4096, 0600);
  return id < 0 ? id : shmctl(id, IPC_RMID, NULL);
}

static long message_queue(void) {
  int id = msgget(IPC_PRIVATE, 0600);
  return id < 0 ? id : msgctl(id, IPC_RMID, NULL);
}

static long semaphores(void) {
  int id = semget(IPC_PRIVATE, 1, 0600);
  return id < 0 ? id : semctl(id, 0, IPC_RMID);
}

/** Landlock refuses when the queue is made already: it is removed in any case. */
static long posix_queue(void) {
  char name[64];
  snprintf(name, sizeof name, "sekisho-probe-%d", getpid());
  long fd = syscall(SYS_mq_open, name, O_RDWR | O_CREAT, 0600, NULL);
  int error = errno;
  syscall(SYS_mq_unlink, name);
  errno = error;
  return fd < 0 ? fd : opened(fd);
}

const struct attempt sharing_attempts[] = {
  {.name = "shmget", .run = shared_memory},
  {.name = "msgget", .run = message_queue},
  {.name = "semget", .run = semaphores},
  {.name = "mq_open", .run = posix_queue},
  {0}};
