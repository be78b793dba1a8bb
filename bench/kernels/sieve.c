/* Bytes with a stride: how many primes there are below a million, again and again.
   Build: zig cc -target wasm32-freestanding -mcpu=mvp -O2 -nostdlib -Wl,--no-entry,--export=run -s sieve.c -o sieve.wasm */
#define LIMIT 1000000

static unsigned char composite[LIMIT];

int run(int rounds) {
    int primes = 0;
    while (rounds-- > 0) {
        primes = 0;
        for (volatile unsigned char *p = composite; p < composite + LIMIT; p++) /* volatile: no call of memset */
            *p = 0;
        for (int i = 2; i < LIMIT; i++) {
            if (composite[i])
                continue;
            primes++;
            for (int j = 2 * i; j < LIMIT; j += i)
                composite[j] = 1;
        }
    }
    return primes;
}
