// A program that says what the library gives.
const std = @import("std");
const library = @import("library.zig");

pub fn main() void {
    var line: [64]u8 = undefined;
    const text = std.fmt.bufPrint(&line, "hello from Zig\nsorted {d} {d} {d}\n", .{ library.numbers()[0], library.highest(), library.sorted() }) catch unreachable;
    const parts = [_]std.os.wasi.ciovec_t{.{ .base = text.ptr, .len = text.len }};
    var written: usize = 0;
    _ = std.os.wasi.fd_write(1, &parts, 1, &written);
}
