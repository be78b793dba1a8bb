/* Recursion and bits: the ways to put n queens on a board of n by n.
   Build: zig cc -target wasm32-freestanding -mcpu=mvp -O2 -nostdlib -Wl,--no-entry,--export=run -s queens.c -o queens.wasm */
static unsigned all;

static int place(unsigned columns, unsigned left, unsigned right) {
    if (columns == all)
        return 1;
    int ways = 0;
    for (unsigned free = all & ~(columns | left | right); free; free &= free - 1) {
        unsigned queen = free & -free;
        ways += place(columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    return ways;
}

int run(int n) {
    all = (1u << n) - 1;
    return place(0, 0, 0);
}
