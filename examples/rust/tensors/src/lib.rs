//! Functions over tensors: a product of matrices by forked blocks of rows, and a softmax.

use purefork_guest::{Tensor, TensorError};

#[purefork_guest::module]
mod tensors {
    use super::{matrix, text};
    use purefork_guest::{Tensor, wait_all};

    /// Rows to a fork: enough to make the copy of the other matrix worth it.
    const BLOCK: usize = 32;

    /// The product of two matrices of 32-bit floats. Each block of rows is a fork.
    pub fn matmul(a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
        let ([rows, inner], elements) = matrix(a)?;
        let ([inner_b, columns], _) = matrix(b)?;
        if inner != inner_b {
            return Err(format!("a matrix of {inner} columns cannot be multiplied by one of {inner_b} rows"));
        }
        if elements.is_empty() {
            return Tensor::new(&[rows, columns], &vec![0f32; rows as usize * columns as usize]).map_err(text);
        }
        let mut forks = Vec::new();
        for block in elements.chunks(BLOCK * inner as usize) {
            let block_rows = (block.len() / inner as usize) as u32;
            forks.push(fork::matmul_rows(&Tensor::new(&[block_rows, inner], block).map_err(text)?, b));
        }
        let mut data = Vec::new();
        for block in wait_all(forks) {
            data.extend(block?.data);
        }
        Ok(Tensor { dimensions: vec![rows, columns], data, ty: a.ty })
    }

    /// The product of two matrices, in one call.
    pub fn matmul_rows(a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
        let ([rows, inner], a) = matrix(a)?;
        let ([_, columns], b) = matrix(b)?;
        let mut product = vec![0f32; rows as usize * columns as usize];
        if columns > 0 && inner > 0 {
            for (row, a) in product.chunks_mut(columns as usize).zip(a.chunks(inner as usize)) {
                for (factor, b) in a.iter().zip(b.chunks(columns as usize)) {
                    for (sum, element) in row.iter_mut().zip(b) {
                        *sum += factor * element;
                    }
                }
            }
        }
        Tensor::new(&[rows, columns], &product).map_err(text)
    }

    /// The softmax of each row, the last dimension: numbers from 0 to 1 whose sum is 1.
    pub fn softmax(x: &Tensor) -> Result<Tensor, String> {
        let mut elements = x.elements::<f32>().map_err(text)?;
        let length = x.dimensions.last().map_or(1, |length| *length as usize);
        for row in elements.chunks_mut(length.max(1)) {
            let greatest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|element| *element = (*element - greatest).exp());
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|element| *element /= sum);
        }
        Tensor::new(&x.dimensions, &elements).map_err(text)
    }

    /// Makes two matrices of n × n, multiplies them, and returns the sum of the product's diagonal.
    pub fn trace_of_product(n: u32) -> Result<f64, String> {
        let numbers = |seed: u32| (0..n * n).map(move |i| ((i * 7 + seed) % 11) as f32).collect::<Vec<_>>();
        let a = Tensor::new(&[n, n], &numbers(1)).map_err(text)?;
        let b = Tensor::new(&[n, n], &numbers(2)).map_err(text)?;
        let product = fork::matmul(&a, &b).wait()?.elements::<f32>().map_err(text)?;
        Ok(product.iter().step_by(n as usize + 1).map(|element| f64::from(*element)).sum())
    }
}

/// The dimensions and the elements of a matrix.
fn matrix(tensor: &Tensor) -> Result<([u32; 2], Vec<f32>), String> {
    match tensor.dimensions.as_slice() {
        [rows, columns] => Ok(([*rows, *columns], tensor.elements().map_err(text)?)),
        other => Err(format!("a matrix has two dimensions, given are {}", other.len())),
    }
}

fn text(error: TensorError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::tensors::{matmul, matmul_rows, softmax, trace_of_product};
    use purefork_guest::Tensor;

    #[test]
    fn a_product_in_blocks_is_the_product() {
        let elements: Vec<f32> = (0..70 * 3).map(|n| n as f32).collect();
        let a = Tensor::new(&[70, 3], &elements).unwrap();
        let b = Tensor::new(&[3, 70], &elements).unwrap();
        assert_eq!(matmul(&a, &b), matmul_rows(&a, &b));
        assert_eq!(matmul(&a, &a).unwrap_err(), "a matrix of 3 columns cannot be multiplied by one of 70 rows");
    }

    #[test]
    fn a_softmax_of_equals_is_equal() {
        let x = Tensor::new(&[2, 2], &[1f32, 1.0, 5.0, 5.0]).unwrap();
        assert_eq!(softmax(&x).unwrap().elements::<f32>().unwrap(), [0.5; 4]);
    }

    #[test]
    fn the_trace_is_exact_for_small_numbers() {
        // [[1, 8], [4, 0]] times [[2, 9], [5, 1]]: 42 + 36
        assert_eq!(trace_of_product(2), Ok(78.0));
    }
}
