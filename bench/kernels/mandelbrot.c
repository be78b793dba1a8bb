/* Floating-point arithmetic without memory: iterations of z*z + c over a square of the plane.
   Build: zig cc -target wasm32-freestanding -mcpu=mvp -O2 -nostdlib -Wl,--no-entry,--export=run -s mandelbrot.c -o mandelbrot.wasm */
#define LIMIT 100

int run(int size) {
    int total = 0;
    for (int row = 0; row < size; row++)
        for (int column = 0; column < size; column++) {
            double cr = 3.0 * column / size - 2.25, ci = 3.0 * row / size - 1.5, re = 0, im = 0;
            int i = 0;
            for (; i < LIMIT && re * re + im * im <= 4; i++) {
                double next = re * re - im * im + cr;
                im = 2 * re * im + ci;
                re = next;
            }
            total += i;
        }
    return total;
}
