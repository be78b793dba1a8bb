/* Loads, stores and unforeseeable branches: heapsort of pseudo-random numbers.
   Build: zig cc -target wasm32-freestanding -mcpu=mvp -O2 -nostdlib -Wl,--no-entry,--export=run -s heapsort.c -o heapsort.wasm */
#define COUNT 20000

static unsigned heap[COUNT];

static void sift(int root, int end) {
    unsigned value = heap[root];
    for (int child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && heap[child] < heap[child + 1])
            child++;
        if (heap[child] <= value)
            break;
        heap[root] = heap[child];
    }
    heap[root] = value;
}

int run(int rounds) {
    unsigned seed = 42, sum = 0;
    while (rounds-- > 0) {
        for (int i = 0; i < COUNT; i++)
            heap[i] = (seed = seed * 1103515245 + 12345) >> 8;
        for (int i = COUNT / 2; i-- > 0;)
            sift(i, COUNT);
        for (int end = COUNT; --end > 0;) {
            unsigned largest = heap[0];
            heap[0] = heap[end];
            heap[end] = largest;
            sift(0, end);
        }
        for (int i = 1; i < COUNT; i++)
            sum = heap[i - 1] <= heap[i] ? sum * 31 + heap[i] : 0;
    }
    return (int)sum;
}
