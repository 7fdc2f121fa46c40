/* Shows a file, which it will not find: show FILE. */
#include <stdio.h>
#include <string.h>
#include <errno.h>

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "r") : stdin;
    if (!file) return fprintf(stderr, "%s: %s\n", argv[1], strerror(errno)), 1;
    for (int next; (next = getc(file)) != EOF;) putchar(next);
}
