//! Renders an image by forking its tiles, and returns it as a PNG.

mod scene;

#[purefork_guest::module]
mod ray_tracer {
    use super::scene;

    /// A tile of at most this width and height is rendered at once.
    const SIDE: u32 = 32;

    /// A part of an image.
    pub struct Tile {
        /// The width of the whole image.
        pub image_width: u32,
        /// The height of the whole image.
        pub image_height: u32,
        /// The first column.
        pub x: u32,
        /// The first row.
        pub y: u32,
        /// The number of columns.
        pub width: u32,
        /// The number of rows.
        pub height: u32,
    }

    /// An image of this size, as a PNG.
    pub fn render(width: u32, height: u32) -> Result<Vec<u8>, String> {
        if width == 0 || height == 0 || width > 4096 || height > 4096 {
            return Err(format!("an image of {width} × {height} cannot be rendered: 1 to 4096 pixels a side"));
        }
        let whole = Tile { image_width: width, image_height: height, x: 0, y: 0, width, height };
        let pixels = fork::tile(whole).wait();
        super::png(width, height, &pixels).map_err(|error| error.to_string())
    }

    /// The pixels of a tile: red, green, blue, row by row. A large tile forks its halves.
    pub fn tile(tile: Tile) -> Vec<u8> {
        let Tile { image_width, image_height, x, y, width, height } = tile;
        let part = |x, y, width, height| Tile { image_width, image_height, x, y, width, height };
        if width <= SIDE && height <= SIDE {
            return scene::pixels(&part(x, y, width, height));
        }
        if width < height {
            let upper = fork::tile(part(x, y, width, height / 2));
            let lower = fork::tile(part(x, y + height / 2, width, height - height / 2));
            let mut pixels = upper.wait();
            pixels.extend(lower.wait());
            return pixels;
        }
        let left = fork::tile(part(x, y, width / 2, height));
        let right = fork::tile(part(x + width / 2, y, width - width / 2, height));
        let (left, right) = (left.wait(), right.wait());
        let rows = left.chunks(3 * (width / 2) as usize).zip(right.chunks(3 * (width - width / 2) as usize));
        rows.flat_map(|(left, right)| [left, right]).flatten().copied().collect()
    }
}

fn png(width: u32, height: u32, pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::ray_tracer::{Tile, render, tile};

    #[test]
    fn an_image_is_a_png_of_its_size() {
        let image = render(65, 40).unwrap();
        assert_eq!(&image[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(&image[16..24], [0, 0, 0, 65, 0, 0, 0, 40]);
    }

    #[test]
    fn tiles_fit_together() {
        let part = |x, width| Tile { image_width: 80, image_height: 2, x, y: 0, width, height: 2 };
        let (whole, left) = (tile(part(0, 80)), tile(part(0, 7)));
        assert_eq!(whole[..21], left[..21]);
        assert_eq!(whole[240..261], left[21..]);
    }

    #[test]
    fn an_empty_image_is_refused() {
        assert_eq!(render(0, 9).unwrap_err(), "an image of 0 × 9 cannot be rendered: 1 to 4096 pixels a side");
    }
}
