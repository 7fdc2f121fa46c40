/* Counts the ways to place n queens on an n × n board so that none attacks another.
 *
 * Rows are filled from the top. What is attacked in the next row are three sets of columns: those of the
 * queens above, and their diagonals, which shift by one at each row. A forked call gets these three numbers,
 * so nothing has to be copied, and every branch of the search is independent of the others.
 */
#include "purefork.h"

PUREFORK_FORKS(uint64_t, place, (uint32_t n, uint32_t row, uint32_t columns, uint32_t left, uint32_t right))

/* Branches below this row are counted in place: a fork costs about as much as some hundred steps of the search. */
enum { FORKED_ROWS = 3 };

/* The largest board: larger ones would take days. */
enum { MOST = 20 };

static uint64_t count(uint32_t all, uint32_t columns, uint32_t left, uint32_t right) {
    if (columns == all) return 1;
    uint64_t solutions = 0;
    for (uint32_t open = all & ~(columns | left | right); open != 0; open &= open - 1) {
        uint32_t queen = open & -open;
        solutions += count(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    return solutions;
}

PUREFORK_EXPORT(place)
uint64_t place(uint32_t n, uint32_t row, uint32_t columns, uint32_t left, uint32_t right) {
    if (n > MOST) __builtin_trap();
    uint32_t all = (1u << n) - 1;
    if (row >= n || row >= FORKED_ROWS) return count(all, columns, left, right);
    future_place branches[MOST];
    uint32_t forked = 0;
    for (uint32_t open = all & ~(columns | left | right); open != 0; open &= open - 1) {
        uint32_t queen = open & -open;
        branches[forked++] = fork_place(n, row + 1, columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    uint64_t solutions = 0;
    for (uint32_t i = 0; i < forked; i++) solutions += wait_place(branches[i]);
    return solutions;
}

PUREFORK_EXPORT(queens)
uint64_t queens(uint32_t n) { return place(n, 0, 0, 0, 0); }
