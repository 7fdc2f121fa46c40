/* Lays out the JSON on standard input. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static int next;

static void fail(const char *expected) {
    fflush(stdout);
    fprintf(stderr, "expected %s\n", expected);
    exit(1);
}

static void space(void) {
    while (isspace(next)) next = getchar();
}

static void line(int depth) {
    printf("\n%*s", 2 * depth, "");
}

static void string(void) {
    if (next != '"') fail("a string");
    do {
        if (next == '\\') putchar(next), next = getchar();
        if (next == EOF) fail("the end of a string");
        putchar(next);
        next = getchar();
    } while (next != '"');
    putchar(next);
    next = getchar();
}

static void value(int depth) {
    space();
    if (next == '{' || next == '[') {
        int close = next == '{' ? '}' : ']';
        putchar(next);
        next = getchar();
        space();
        if (next == close) return putchar(close), next = getchar(), (void)0;
        for (;;) {
            line(depth + 1);
            space();
            if (close == '}') {
                string();
                space();
                if (next != ':') fail("a colon");
                fputs(": ", stdout);
                next = getchar();
            }
            value(depth + 1);
            space();
            if (next != ',') break;
            putchar(next);
            next = getchar();
        }
        if (next != close) fail(close == '}' ? "a comma or }" : "a comma or ]");
        line(depth);
        putchar(close);
        next = getchar();
    } else if (next == '"') {
        string();
    } else if (isalnum(next) || next == '-') {
        while (isalnum(next) || next == '-' || next == '+' || next == '.') putchar(next), next = getchar();
    } else {
        fail("a value");
    }
}

int main(void) {
    next = getchar();
    value(0);
    space();
    if (next != EOF) fail("the end");
    putchar('\n');
}
