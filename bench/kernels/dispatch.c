/* Indirect calls: objects of three kinds in a shuffled order, each with a method that folds a number.
   Build: zig cc -target wasm32-freestanding -mcpu=mvp -O2 -nostdlib -Wl,--no-entry,--export=run -s dispatch.c -o dispatch.wasm */
#define OBJECTS 96

typedef struct object object;
struct object {
    unsigned (*fold)(const object *, unsigned);
    unsigned a, b;
};

static unsigned affine(const object *self, unsigned x) { return self->a * x + self->b; }
static unsigned mixed(const object *self, unsigned x) { return (self->a ^ x) + self->b; }
static unsigned rotated(const object *self, unsigned x) { return (x << 7 | x >> 25) - self->b; }

static object objects[OBJECTS];

int run(int rounds) {
    unsigned seed = 11, x = 1;
    for (int i = 0; i < OBJECTS; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned kind = (seed >> 16) % 3;
        objects[i].fold = kind == 0 ? affine : kind == 1 ? mixed : rotated;
        objects[i].a = seed | 1;
        objects[i].b = seed >> 3;
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < OBJECTS; i++)
            x = objects[i].fold(&objects[i], x);
    return (int)x;
}
