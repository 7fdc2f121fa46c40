# Words counted, numbers sorted, objects, an exception caught: all of it objects of the WebAssembly engine's own collector.
class Count:
    def __init__(self, word: str, times: int):
        self.word = word
        self.times = times

    def shown(self):
        return '"' + self.word + '":' + str(self.times)


print("hello from Python")
counts = {}
for word in "to be or not to be that is the question".split():
    counts[word] = counts.get(word, 0) + 1
text = ""
for word in sorted(counts.keys()):
    count = Count(word, counts[word])
    if text:
        text = text + ","
    text = text + count.shown()
print("{" + text + "}")
x = 1
numbers = []
for i in range(1000):
    x = (x * 1103 + 12345) % 1000003
    numbers.append(x)
numbers.sort()
h = 0
for x in numbers:
    h = (h * 31 + x) % 1000003
print("sorted", numbers[0], numbers[-1], h)
try:
    raise ValueError("no")
except ValueError:
    print("caught")
