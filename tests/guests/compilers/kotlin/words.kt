// Words counted as JSON, numbers sorted, an exception caught.
@file:OptIn(kotlin.wasm.ExperimentalWasmInterop::class)

import kotlin.wasm.WasmExport

data class Count(val word: String, val times: Int)

fun words(text: String): String =
    Regex("[a-z]+").findAll(text.lowercase()).map { it.value }.groupingBy { it }.eachCount()
        .map { (word, times) -> Count(word, times) }.sortedBy { it.word }
        .joinToString(",", "{", "}") { "\"${it.word}\":${it.times}" }

fun numbers(): List<Long> = generateSequence(1L) { (it * 1103 + 12345) % 1000003 }.drop(1).take(1000).sorted().toList()

fun checked(text: String): String = try { "${text.toInt()}" } catch (e: NumberFormatException) { "no number: $text" }

@WasmExport
fun sorted(): Long = numbers().fold(0L) { h, x -> (h * 31 + x) % 1000003 }

@WasmExport
fun fib(n: Int): Long = if (n < 2) n.toLong() else fib(n - 1) + fib(n - 2)

fun main() {
    println("hello from Kotlin")
    println(words("To be, or not to be, that is the question."))
    println("sorted ${numbers().first()} ${numbers().last()} ${sorted()}")
    println("${checked("12")} ${checked("twelve")}")
}
