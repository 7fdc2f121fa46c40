# Words counted as JSON, numbers sorted. MicroPython runs it as well.
import json

print("hello from Python")
counts = {}
for word in "To be, or not to be, that is the question.".lower().replace(",", "").replace(".", "").split():
    counts[word] = counts.get(word, 0) + 1
print("{" + ",".join(json.dumps(word) + ":" + str(counts[word]) for word in sorted(counts)) + "}")
x, numbers, h = 1, [], 0
for i in range(1000):
    x = (x * 1103 + 12345) % 1000003
    numbers.append(x)
numbers.sort()
for x in numbers:
    h = (h * 31 + x) % 1000003
print("sorted", numbers[0], numbers[-1], h)
