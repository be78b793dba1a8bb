/* Functions that run for some ten microseconds, called again and again: what a program that calls often waits for.
   Build: zig cc -target wasm32-freestanding -mcpu=mvp -O2 -nostdlib -Wl,--no-entry,--export=sieve,--export=matmul,--export=mix,--export=fib -s short.c -o short.wasm */
#define MOST 20000
#define SIZE 40

static unsigned char composite[MOST];
static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

/* How many primes there are below n. */
int sieve(int n) {
    int count = 0;
    for (int i = 0; i < n; i++)
        composite[i] = 0;
    for (int i = 2; i < n; i++) {
        if (composite[i])
            continue;
        count++;
        for (int j = i + i; j < n; j += i)
            composite[j] = 1;
    }
    return count;
}

/* The trace of a product of matrices of n rows. */
int matmul(int n) {
    double trace = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i][j] = (i * 7 + j) % 11 * 0.25;
            b[i][j] = (i + j * 3) % 13 * 0.5;
        }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    for (int i = 0; i < n; i++)
        trace += c[i][i];
    return (int)(trace * 8);
}

/* A hash of integers and floats, with branches that depend on it. */
int mix(int n) {
    unsigned hash = 2166136261u;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        hash = (hash ^ (unsigned)i) * 16777619u;
        if (hash & 64)
            sum += (double)(hash >> 20);
        else
            hash = hash << 7 | hash >> 25;
        if (sum > 1e6)
            sum *= 0.5;
    }
    return (int)(hash ^ (unsigned)(long long)sum);
}

__attribute__((noinline)) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
