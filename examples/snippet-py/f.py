def main(input):
    n = input["n"]
    if n < 0:
        raise ValueError("n is negative")
    return [k * k for k in range(n)]
