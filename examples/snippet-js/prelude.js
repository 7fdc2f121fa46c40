const WORD = /\w+/g;

function words(text) {
  return text.toLowerCase().match(WORD) ?? [];
}
