def main(text):
    counts = {}
    for word in text.lower().replace(",", "").replace(".", "").split():
        counts[word] = counts.get(word, 0) + 1
    x, numbers, h = 1, [], 0
    for i in range(1000):
        x = (x * 1103 + 12345) % 1000003
        numbers.append(x)
    numbers.sort()
    for x in numbers:
        h = (h * 31 + x) % 1000003
    return {"words": dict(sorted(counts.items())), "sorted": f"sorted {numbers[0]} {numbers[-1]} {h}"}
