/* Bytes in a grid: Conway's game of life on a torus.
   Build: zig cc -target wasm32-freestanding -mcpu=mvp -O2 -nostdlib -Wl,--no-entry,--export=run -s life.c -o life.wasm */
#define SIZE 128
#define AT(y, x) (((y) & (SIZE - 1)) * SIZE + ((x) & (SIZE - 1)))

static unsigned char grids[2][SIZE * SIZE];

int run(int generations) {
    unsigned seed = 7, hash = 0;
    for (int i = 0; i < SIZE * SIZE; i++)
        grids[0][i] = (seed = seed * 1103515245 + 12345) >> 16 & 1;
    for (int g = 0; g < generations; g++) {
        const unsigned char *now = grids[g & 1];
        unsigned char *next = grids[~g & 1];
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++) {
                int around = now[AT(y - 1, x - 1)] + now[AT(y - 1, x)] + now[AT(y - 1, x + 1)] + now[AT(y, x - 1)] + now[AT(y, x + 1)]
                    + now[AT(y + 1, x - 1)] + now[AT(y + 1, x)] + now[AT(y + 1, x + 1)];
                next[AT(y, x)] = around == 3 || (around == 2 && now[AT(y, x)]);
            }
    }
    for (int i = 0; i < SIZE * SIZE; i++)
        hash = hash * 31 + grids[generations & 1][i];
    return (int)hash;
}
