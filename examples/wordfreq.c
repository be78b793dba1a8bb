/* The most frequent words of a text: `wasmjit --dir . examples/wordfreq.wasm -n 5 README.md`, or from standard input.
   Build: zig cc -target wasm32-wasi -O2 -s wordfreq.c -o wordfreq.wasm */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    char *text;
    size_t count;
};

static struct word *table;
static size_t capacity, used;

static uint32_t hash(const char *text) {
    uint32_t h = 2166136261u; /* FNV-1a */
    while (*text)
        h = (h ^ (unsigned char)*text++) * 16777619u;
    return h;
}

static struct word *slot(struct word *words, size_t size, const char *text) {
    size_t i = hash(text) & (size - 1);
    while (words[i].text && strcmp(words[i].text, text))
        i = (i + 1) & (size - 1);
    return &words[i];
}

static void *checked(void *memory) {
    if (!memory) {
        fputs("wordfreq: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static void grow(void) {
    size_t size = capacity ? capacity * 2 : 1024;
    struct word *words = checked(calloc(size, sizeof *words));
    for (size_t i = 0; i < capacity; i++)
        if (table[i].text)
            *slot(words, size, table[i].text) = table[i];
    free(table);
    table = words;
    capacity = size;
}

static void count(const char *text) {
    if (used * 4 >= capacity * 3)
        grow();
    struct word *word = slot(table, capacity, text);
    if (!word->text) {
        word->text = checked(strdup(text));
        used++;
    }
    word->count++;
}

static void count_all(FILE *input) {
    char text[64];
    size_t length = 0;
    int c;
    do {
        c = getc(input);
        if (c != EOF && isalpha(c)) {
            if (length < sizeof text - 1)
                text[length++] = (char)tolower(c);
        } else if (length) {
            text[length] = 0;
            count(text);
            length = 0;
        }
    } while (c != EOF);
}

static int by_count(const void *a, const void *b) {
    const struct word *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->text ? x->text : "", y->text ? y->text : "");
}

int main(int argc, char **argv) {
    size_t shown = 10;
    int i = 1;
    if (argc > 2 && !strcmp(argv[1], "-n")) {
        shown = strtoul(argv[2], NULL, 10);
        i = 3;
    }
    if (i == argc)
        count_all(stdin);
    for (; i < argc; i++) {
        FILE *input = fopen(argv[i], "r");
        if (!input) {
            perror(argv[i]);
            return 1;
        }
        count_all(input);
        fclose(input);
    }
    qsort(table, capacity, sizeof *table, by_count);
    for (size_t k = 0; k < shown && k < used; k++)
        printf("%6zu %s\n", table[k].count, table[k].text);
    return 0;
}
