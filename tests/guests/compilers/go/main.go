// Words counted as JSON, numbers sorted, a template filled, goroutines that give each other numbers.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"sync"
	"text/template"
)

func words(text string) map[string]int {
	counts := map[string]int{}
	for _, word := range regexp.MustCompile(`[a-z]+`).FindAllString(strings.ToLower(text), -1) {
		counts[word]++
	}
	return counts
}

func sorted() (int, int, int) {
	numbers := []int{}
	for i, x := 0, 1; i < 1000; i++ {
		x = (x*1103 + 12345) % 1000003
		numbers = append(numbers, x)
	}
	sort.Ints(numbers)
	h := 0
	for _, x := range numbers {
		h = (h*31 + x) % 1000003
	}
	return numbers[0], numbers[len(numbers)-1], h
}

// The sum of the squares below n, by as many goroutines, over a channel.
func squares(n int) int {
	results := make(chan int)
	var group sync.WaitGroup
	for i := 0; i < n; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			results <- i * i
		}()
	}
	go func() {
		group.Wait()
		close(results)
	}()
	sum := 0
	for x := range results {
		sum += x
	}
	return sum
}

func caught() (said any) {
	defer func() { said = recover() }()
	var none map[string]int
	none["a"] = 1
	return nil
}

func main() {
	fmt.Println("hello from Go")
	text, err := json.Marshal(words("To be, or not to be, that is the question."))
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
	low, high, h := sorted()
	fmt.Println("sorted", low, high, h)
	page := template.Must(template.New("page").Parse("{{range .}}<{{.}}>{{end}}\n"))
	if err := page.Execute(os.Stdout, os.Args[1:]); err != nil {
		panic(err)
	}
	fmt.Println(squares(100), caught())
}
