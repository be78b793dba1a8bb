/* Arrays of f64: the product of two matrices, again and again.
   Build: zig cc -target wasm32-freestanding -mcpu=mvp -O2 -nostdlib -Wl,--no-entry,--export=run -s matrix.c -o matrix.wasm */
#define SIZE 80

static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

int run(int rounds) {
    double trace = 0;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            a[i][j] = (i * 7 + j) % 11 * 0.25;
            b[i][j] = (i + j * 3) % 13 * 0.5;
        }
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++) {
                double sum = 0;
                for (int k = 0; k < SIZE; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
        for (int i = 0; i < SIZE; i++)
            trace += c[i][i];
        a[round % SIZE][0] += 0.25;
    }
    return (int)(trace * 8);
}
