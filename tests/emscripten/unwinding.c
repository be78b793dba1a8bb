#include <stdio.h>
#include <setjmp.h>
static jmp_buf outer;
static int deep(int n, jmp_buf *b) { if (n == 0) longjmp(*b, 7); return deep(n - 1, b) + 1; }
static int nested(int n) {
  jmp_buf inner;
  int r = setjmp(inner);
  if (r == 0) deep(n, &inner);
  if (r == 7 && n > 3) longjmp(outer, n);
  return r;
}
int main(void) {
  int r = setjmp(outer);
  if (r == 0) { printf("inner %d\n", nested(2)); nested(5); }
  printf("outer %d\n", r);
  long sum = 0;
  for (int i = 0; i < 300; i++) { jmp_buf b; int k = setjmp(b); if (k == 0) deep(i % 7, &b); sum += k + i; }
  printf("sum %ld\n", sum);
  return 0;
}
