//! A core module, and no component. Its functions do little but write to memory. Its heap is the SDK's, which is there in
//! the initial state, and all that they allocate has room in it.

// For its allocator.
use purefork_guest as _;
use std::hint::black_box;

/// The length of a text of `n` letters, pushed one by one; `strlen` would be C's for a linker.
#[unsafe(no_mangle)]
extern "C" fn length(n: u32) -> u32 {
    let mut text = Vec::new();
    for at in 0..n {
        text.push(at as u8);
    }
    black_box(&text).len() as u32
}

/// The same, many times; the lengths together.
#[unsafe(no_mangle)]
extern "C" fn pushes(n: u32, times: u32) -> u32 {
    (0..times).map(|_| length(n)).sum()
}

/// Fills a list of `n` numbers from its start to its end, many times; the last one.
#[unsafe(no_mangle)]
extern "C" fn fill(n: u32, times: u32) -> u32 {
    let mut list = vec![0u32; n as usize];
    for time in 0..times {
        for (at, number) in (0..).zip(black_box(&mut list).iter_mut()) {
            *number = time ^ at;
        }
    }
    list[n as usize - 1]
}

/// The same with bytes.
#[unsafe(no_mangle)]
extern "C" fn fill_bytes(n: u32, times: u32) -> u32 {
    let mut list = vec![0u8; n as usize];
    for time in 0..times {
        for (at, byte) in (0..).zip(black_box(&mut list).iter_mut()) {
            *byte = (time ^ at) as u8;
        }
    }
    u32::from(list[n as usize - 1])
}

/// How many primes are below `n`, by the sieve of Eratosthenes, many times; all of them together.
#[unsafe(no_mangle)]
extern "C" fn sieve(n: u32, times: u32) -> u32 {
    let mut primes = 0;
    for _ in 0..times {
        let mut composite = vec![false; n as usize];
        for p in 2..n as usize {
            if !composite[p] {
                primes += 1;
                for multiple in (p * p..n as usize).step_by(p) {
                    composite[multiple] = true;
                }
            }
        }
    }
    primes
}

/// Sorts `n` pseudo-random numbers in place, by heap sort, many times; the median of the last.
#[unsafe(no_mangle)]
extern "C" fn heap_sort(n: u32, times: u32) -> u32 {
    let mut list = vec![0u32; n as usize];
    let mut random = 1u32;
    for _ in 0..times {
        for number in &mut list {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *number = random;
        }
        for top in (0..list.len() / 2).rev() {
            sift_down(&mut list, top);
        }
        for end in (1..list.len()).rev() {
            list.swap(0, end);
            sift_down(&mut list[..end], 0);
        }
    }
    list[list.len() / 2]
}

fn sift_down(heap: &mut [u32], mut top: usize) {
    loop {
        let mut child = 2 * top + 1;
        if child >= heap.len() {
            return;
        }
        if child + 1 < heap.len() && heap[child] < heap[child + 1] {
            child += 1;
        }
        if heap[top] >= heap[child] {
            return;
        }
        heap.swap(top, child);
        top = child;
    }
}

/// Multiplies two matrices of `n` rows and columns, with a store in the inner loop, many times; one of the product's numbers.
#[unsafe(no_mangle)]
extern "C" fn product(n: u32, times: u32) -> u32 {
    let n = n as usize;
    let left: Vec<f64> = (0..n * n).map(|at| (at % 7) as f64).collect();
    let right: Vec<f64> = (0..n * n).map(|at| (at % 5) as f64).collect();
    let mut product = vec![0.0; n * n];
    for _ in 0..times {
        product.fill(0.0);
        for (row, numbers) in product.chunks_exact_mut(n).zip(left.chunks_exact(n)) {
            for (factor, others) in numbers.iter().zip(right.chunks_exact(n)) {
                for (sum, other) in row.iter_mut().zip(others) {
                    *sum += factor * other;
                }
            }
        }
        black_box(&mut product);
    }
    product[n + 1] as u32
}
