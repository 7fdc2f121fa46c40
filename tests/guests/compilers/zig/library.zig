// Numbers sorted: a library.
const std = @import("std");

pub fn numbers() [1000]i64 {
    var list: [1000]i64 = undefined;
    var x: i64 = 1;
    for (&list) |*number| {
        x = @mod(x * 1103 + 12345, 1000003);
        number.* = x;
    }
    std.mem.sort(i64, &list, {}, std.sort.asc(i64));
    return list;
}

pub export fn highest() i64 {
    return numbers()[999];
}

pub export fn sorted() i64 {
    var h: i64 = 0;
    for (numbers()) |number| h = @mod(h * 31 + number, 1000003);
    return h;
}
