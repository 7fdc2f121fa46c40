// Words counted as JSON, numbers sorted.
#include <algorithm>
#include <cctype>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

int main() {
    std::string text = "To be, or not to be, that is the question.", word;
    for (char &c : text) c = std::isalpha((unsigned char)c) ? std::tolower((unsigned char)c) : ' ';
    std::map<std::string, int> counts;
    for (std::istringstream in(text); in >> word;) counts[word]++;
    std::cout << "hello from C++\n{";
    const char *between = "";
    for (auto &[key, count] : counts) std::cout << between << '"' << key << "\":" << count, between = ",";
    std::vector<long long> numbers;
    for (long long i = 0, x = 1; i < 1000; i++) numbers.push_back(x = (x * 1103 + 12345) % 1000003);
    std::sort(numbers.begin(), numbers.end());
    long long h = 0;
    for (auto x : numbers) h = (h * 31 + x) % 1000003;
    std::cout << "}\nsorted " << numbers.front() << ' ' << numbers.back() << ' ' << h << '\n';
}
