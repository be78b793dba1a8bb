// Files by the calls that Emscripten's libc makes: each line says what came of one, or the number of its error.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
static int failed;
static void say(const char *what, long result) {
  if (result < 0) printf("%s: error %d\n", what, errno);
  else printf("%s: %ld\n", what, result);
}
static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }
int main(int argc, char **argv) {
  char text[256];
  struct stat st;
  printf("in %s\n", getcwd(text, sizeof text));
  say("chdir", chdir("/files"));
  say("chdir to nothing", chdir("nothing"));
  printf("in %s\n", getcwd(text, sizeof text));
  say("getcwd into 2 bytes", getcwd(text, 2) ? 0 : -1);
  int fd = open("new.txt", O_CREAT | O_RDWR | O_EXCL, 0644);
  say("write", write(fd, "hello, files", 12));
  say("seek", lseek(fd, 7, SEEK_SET));
  say("read", read(fd, text, 5));
  printf("got %.5s\n", text);
  say("truncate", ftruncate(fd, 5));
  say("fstat", fstat(fd, &st));
  printf("size %ld, regular %d\n", (long)st.st_size, S_ISREG(st.st_mode));
  say("open again", open("new.txt", O_CREAT | O_EXCL | O_WRONLY, 0644));
  int copy = dup(fd);
  say("dup2", dup2(fd, 20) == 20 ? 0 : -1);
  close(fd);
  say("write to the copy", write(copy, "!", 1));
  close(copy);
  say("append flag", fcntl(20, F_SETFL, O_APPEND));
  say("flags", fcntl(20, F_GETFL) & O_APPEND ? 1 : 0);
  close(20);
  say("write to a closed one", write(20, "!", 1));
  say("mkdir", mkdir("sub", 0777));
  say("mkdir again", mkdir("sub", 0777));
  say("rename", rename("new.txt", "sub/moved.txt"));
  say("symlink", symlink("sub/moved.txt", "link"));
  ssize_t count = readlink("link", text, sizeof text);
  printf("link to %.*s\n", (int)count, text);
  say("stat", stat("link", &st));
  printf("size %ld, link %d\n", (long)st.st_size, S_ISLNK(st.st_mode));
  say("lstat", lstat("link", &st));
  printf("link %d\n", S_ISLNK(st.st_mode));
  say("stat of nothing", stat("nothing", &st));
  say("access", access("link", R_OK | W_OK));
  say("times", utimensat(AT_FDCWD, "sub/moved.txt", (struct timespec[]){{1000, 0}, {2000, 500}}, 0));
  stat("sub/moved.txt", &st);
  printf("modified %ld.%09ld\n", (long)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec);
  struct dirent **list;
  int n = scandir(".", &list, NULL, by_name);
  for (int i = 0; i < n; i++) printf("entry %s %d\n", list[i]->d_name, list[i]->d_type);
  DIR *dir = opendir("sub");
  struct dirent *entry;
  int before = 0, after = 0;
  while ((entry = readdir(dir))) before++;
  rewinddir(dir);
  while ((entry = readdir(dir))) after++;
  printf("entries %d, again %d\n", before, after);
  closedir(dir);
  FILE *file = fopen("/files/sub/../sub/moved.txt", "r");
  printf("line %s\n", fgets(text, sizeof text, file));
  fclose(file);
  say("rmdir of a full one", rmdir("sub"));
  say("unlink of a directory", unlink("sub"));
  say("unlink", unlink("sub/moved.txt"));
  say("unlink link", unlink("link"));
  say("rmdir", rmdir("sub"));
  say("open outside", open("/etc/passwd", O_RDONLY));
  say("open above", open("../etc/passwd", O_RDONLY));
  say("write where that is forbidden", open("/fixed/new", O_CREAT | O_WRONLY, 0644));
  fd = open("/fixed/data", O_RDONLY);
  say("read only", read(fd, text, 4));
  printf("got %.4s, tty %d\n", text, isatty(fd));
  struct pollfd polled[2] = {{fd, POLLIN, 0}, {99, POLLIN, 0}};
  say("poll", poll(polled, 2, 0));
  printf("events %d %d\n", polled[0].revents, polled[1].revents);
  say("chmod", chmod("/fixed/data", 0));
  int ends[2];
  say("pipe", pipe(ends));
  say("write to it", write(ends[1], "pipe", 4));
  say("read from it", read(ends[0], text, 4));
  return failed;
}
