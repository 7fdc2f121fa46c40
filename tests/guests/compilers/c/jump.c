// Jumps out of a recursion, by setjmp and longjmp.
#include <setjmp.h>
#include <stdio.h>

static jmp_buf out;

static int deep(int n) {
    if (n == 0) longjmp(out, 7);
    return deep(n - 1) + 1;
}

int main(void) {
    puts("hello from C");
    for (volatile int round = 0; round < 3; round++) {
        int got = setjmp(out);
        if (got == 0) deep(100 * (round + 1));
        printf("round %d: %d\n", round, got);
    }
    return 0;
}
