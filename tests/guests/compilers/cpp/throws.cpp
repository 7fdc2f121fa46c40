// Exceptions: caught by type, thrown again, out of constructors, with destructors on the way.
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

struct Bye {
    const char *name;
    explicit Bye(const char *n) : name(n) {}
    ~Bye() { std::printf("bye %s\n", name); }
};

static int parse(const std::string &text) {
    Bye bye("parse");
    int number = 0;
    for (char c : text) {
        if (c < '0' || c > '9') throw std::invalid_argument(text);
        if (number > 100000000) throw std::out_of_range(text);
        number = number * 10 + (c - '0');
    }
    return number;
}

struct Part {
    Bye bye{"part"};
    Part() { throw std::logic_error("no part"); }
};

extern "C" int checked(int n) {
    try {
        if (n > 9) throw n;
        return std::vector<int>{1, 2, 3}.at(n);
    } catch (const std::out_of_range &) {
        return -1;
    } catch (int x) {
        return x * 2;
    }
}

int main() {
    std::puts("hello from C++");
    for (const char *text : {"12", "twelve", "99999999999"}) {
        try {
            std::printf("%d\n", parse(text));
        } catch (const std::invalid_argument &) {
            std::puts("no number");
        } catch (const std::exception &e) {
            std::printf("%s\n", dynamic_cast<const std::out_of_range *>(&e) ? "out of range" : "another");
        }
    }
    try {
        try {
            auto part = std::make_unique<Part>();
        } catch (...) {
            std::puts("again");
            throw;
        }
    } catch (const std::logic_error &e) {
        std::puts(e.what());
    }
    std::printf("%d %d %d\n", checked(1), checked(5), checked(21));
}
