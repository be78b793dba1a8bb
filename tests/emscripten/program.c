// Arguments, environment, constructors, stdio that is flushed at the end, time, and a heap that grows.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
__attribute__((constructor)) static void early(void) { puts("constructed"); }
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) printf("argument %s\n", argv[i]);
  const char *name = getenv("NAME");
  printf("NAME is %s\n", name ? name : "not set");
  struct tm tm = {.tm_year = 100, .tm_mon = 1, .tm_mday = 29, .tm_hour = 12, .tm_isdst = -1};
  time_t when = mktime(&tm);
  struct tm *back = localtime(&when);
  char text[64];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M %z day %j", back);
  printf("%s, is %s\n", text, time(NULL) > 0 ? "past" : "not past");
  struct timespec now;
  printf("clock %d\n", clock_gettime(CLOCK_MONOTONIC, &now));
  size_t size = 20 << 20;
  char *volatile big = malloc(size);
  if (big) memset(big, 1, size);
  void *volatile more = malloc(200 << 20);
  printf("20 MiB %s, 200 MiB %s\n", big ? "yes" : "no", more ? "yes" : "no");
  printf("no newline at the end");
  exit(argc);
}
