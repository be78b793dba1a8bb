// A library and a program whose names the compiler made short: -O3 beside its JavaScript.
#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
EMSCRIPTEN_KEEPALIVE int add(int a, int b) { return a + b; }
EMSCRIPTEN_KEEPALIVE char *twice(const char *text) {
  char *result = malloc(2 * strlen(text) + 1);
  strcpy(result, text);
  return strcat(result, text);
}
int main(int argc, char **argv) {
  printf("minified, %d arguments\n", argc - 1);
  return argc;
}
