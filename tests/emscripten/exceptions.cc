#include <cstdio>
#include <stdexcept>
#include <string>
struct Base { virtual ~Base() {} int v = 4; };
struct Derived : Base { int w = 5; };
struct Guard { const char *n; ~Guard() { std::printf("leave %s\n", n); } };
static int f(int k) {
  Guard g{"f"};
  if (k == 0) throw 42;
  if (k == 1) throw std::runtime_error("message");
  if (k == 2) throw Derived();
  if (k == 3) throw "text";
  return k;
}
int main() {
  for (int k = 0; k < 5; k++) {
    try { std::printf("f %d\n", f(k)); }
    catch (int i) { std::printf("int %d\n", i); }
    catch (const std::exception &e) { std::printf("exception %s\n", e.what()); }
    catch (const Base &b) { std::printf("base %d\n", b.v); }
    catch (...) { std::printf("other\n"); }
  }
  try { try { f(1); } catch (...) { std::printf("again\n"); throw; } } catch (std::runtime_error &e) { std::printf("outer %s\n", e.what()); }
  int sum = 0;
  for (int i = 0; i < 200; i++) { try { if (i % 3 == 0) throw i; sum += 1; } catch (int n) { sum += n; } }
  std::printf("sum %d\n", sum);
  f(0);  // not caught
}
