// A text field over a layer that colours what is typed. Python reads the text when typing pauses, and answers with where
// the states stand and what is wrong; the picture is a widget of its own, in which the state at the caret is selected.

const PAUSE = 200; // ms after the last key
const LONGEST = 2000; // characters of a line that are coloured
const STEP = "  ";
const FIRST = /^\s*"StartAt"\s*:\s*"(.*)"/;
const TOKEN = /("(?:[^"\\]|\\.)*"?)(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g;

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

const width = (text) => text.length + (text.match(/[^ -~]/g)?.length ?? 0); // columns, at most

function coloured(line, text) {
  line.replaceChildren();
  let from = 0;
  for (const token of text.length > LONGEST ? [] : text.matchAll(TOKEN)) {
    line.append(text.slice(from, token.index));
    const kind = token[2] !== undefined ? "name" : token[1] !== undefined ? "string" : "value";
    line.append(element("span", kind, token[1] ?? token[0]), token[2] ?? "");
    from = token.index + token[0].length;
  }
  line.append(text.slice(from));
  return line;
}

async function render({ model, el, host, signal }) {
  const reference = model.get("living").replace("IPY_MODEL_", "anywidget:");
  const [living, picture] = await Promise.all([host.getModel(reference), host.getWidget(reference)]);
  const root = element("div", "sfn-editor");
  const panes = element("div", "panes"), code = element("div", "code"), sheet = element("div", "sheet");
  const layer = element("div", "layer"), numbers = element("div", "numbers"), area = element("textarea");
  const drawn = element("div", "picture"), said = element("p", "said"), notes = element("ul", "notes");
  root.dataset.lmSuppressShortcuts = "true";
  Object.assign(area, { spellcheck: false, autocomplete: "off", wrap: "off" });
  area.setAttribute("autocapitalize", "off");
  area.setAttribute("aria-label", "The definition as JSON. Tab indents; Escape and then Tab leaves.");
  layer.setAttribute("aria-hidden", "true");
  said.setAttribute("aria-live", "polite");
  sheet.append(layer, numbers, area);
  code.append(sheet);
  panes.append(code, drawn);
  root.append(panes, said, notes);
  el.replaceChildren(root);
  picture.render({ el: drawn, signal });

  let lines = [], widths = [], states = [], before = "", timer = null, busy = false, leaving = false;
  const sent = new Set();

  function colour() {
    const wanted = area.value.split("\n");
    let top = 0, end = 0;
    const most = Math.min(lines.length, wanted.length);
    while (top < most && lines[top] === wanted[top]) top++;
    while (end < most - top && lines[lines.length - 1 - end] === wanted[wanted.length - 1 - end]) end++;
    const gone = lines.length - top - end, come = wanted.slice(top, wanted.length - end);
    come.slice(0, gone).forEach((text, at) => coloured(layer.children[top + at], text));
    for (let left = gone; left > come.length; left--) layer.children[top + come.length].remove();
    const next = layer.children[top + Math.min(gone, come.length)] ?? null;
    for (const text of come.slice(gone)) layer.insertBefore(coloured(element("div", "line"), text), next);
    widths.splice(top, gone, ...come.map(width));
    if (wanted.length !== lines.length) numbers.textContent = wanted.map((_, at) => at + 1).join("\n");
    lines = wanted;
    sheet.style.setProperty("--digits", String(lines.length).length);
    // In steps, because every line is laid out again when it changes.
    const columns = Math.ceil(widths.reduce((most, one) => Math.max(most, one)) / 20) * 20;
    sheet.style.width = `max(100%, ${columns + String(lines.length).length}ch + 62px)`;
  }

  function typed() {
    // Where the states stand moves along until Python has looked.
    const grown = area.value.length - before.length, at = area.selectionEnd - Math.max(grown, 0);
    states = states.map(([name, ...ends]) => [name, ...ends.map((end) => (end > at ? end + grown : end))]);
    before = area.value;
    colour();
    mark();
    clearTimeout(timer);
    timer = setTimeout(pass, PAUSE);
  }

  function pass(now) {
    clearTimeout(timer);
    const text = area.value;
    if ((busy && now !== true) || sent.has(text) || text === model.get("reading").text) return;
    busy = true;
    sent.add(text);
    model.send({ text });
  }

  function receive() {
    const reading = model.get("reading");
    busy = false;
    if (!sent.delete(reading.text) && reading.text !== area.value) {
      area.value = before = reading.text;
      colour();
    }
    area.readOnly = reading.closed;
    said.textContent = reading.said;
    list(reading.notes);
    if (reading.text !== area.value) {
      clearTimeout(timer);
      timer = setTimeout(pass, PAUSE);
    } else if (reading.states.length || !reading.notes.length) {
      states = reading.states;
    }
    mark();
  }

  function list(found) {
    for (const line of layer.querySelectorAll("[data-note]")) delete line.dataset.note;
    for (const { line, kind, sign } of [...found].reverse())
      if (layer.children[line - 1]) Object.assign(layer.children[line - 1].dataset, { note: kind, sign });
    notes.replaceChildren(
      ...found.map(({ line, last, kind, sign, text }) => {
        const item = element("li", kind), words = element("span");
        const jump = element("button", "", !line ? kind : last > line ? `lines ${line}–${last}` : `line ${line}`);
        jump.disabled = !line;
        (last ? item : jump).addEventListener("click", () => {
          const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
          go(start + (last ? lines[line - 1].search(/\S|$/) : 0), !last);
          for (const lit of root.querySelectorAll(".lit")) lit.classList.remove("lit");
          if (last) [item, ...[...layer.children].slice(line - 1, last)].forEach((lit) => lit.classList.add("lit"));
        });
        words.append(...text.split("`").map((part, at) => (at % 2 ? element("code", "", part) : part)));
        item.append(element("b", "", sign), jump, words);
        return item;
      })
    );
  }

  const row = (place) => area.value.slice(0, place).split("\n").length - 1;

  function mark() {
    const at = area.selectionStart;
    const [name, begin, end] = states.filter(([, begin, end]) => begin <= at && at <= end).at(-1) ?? [lines[row(at)].match(FIRST)?.[1] ?? null, 0, -1];
    const first = row(begin), last = end < 0 ? -1 : row(end);
    for (const line of [...layer.querySelectorAll(".here")]) line.classList.remove("here");
    for (let line = first; line <= last; line++) layer.children[line]?.classList.add("here");
    living.set("selected", name);
  }

  function go(place, into = true) {
    if (into) area.focus({ preventScroll: true });
    area.setSelectionRange(place, place);
    code.scrollTop = (layer.children[row(place)]?.offsetTop ?? 0) - 48;
    code.scrollLeft = 0;
    mark();
  }

  // As if it were typed, so that undo knows of it.
  const put = (text) => document.execCommand(text ? "insertText" : "delete", false, text);

  function indent(back) {
    const { value, selectionStart: from, selectionEnd: to } = area;
    if (!back && !value.slice(from, to).includes("\n")) return put(STEP);
    const begin = value.slice(0, from).lastIndexOf("\n") + 1, old = value.slice(begin, to);
    const text = back ? old.replace(/^ {1,2}/gm, "") : old.replace(/^/gm, STEP);
    if (text === old) return;
    area.setSelectionRange(begin, to);
    put(text);
    if (from !== to) area.setSelectionRange(begin, begin + text.length);
  }

  function press(event) {
    event.stopPropagation();
    if (area.readOnly) return;
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Tab" && plain && !leaving) {
      event.preventDefault();
      indent(event.shiftKey);
    } else if (event.key === "Enter" && plain && !event.isComposing) {
      event.preventDefault();
      const start = area.value.slice(0, area.selectionStart).split("\n").at(-1);
      put(`\n${start.match(/^ */)[0]}${/[{[]\s*$/.test(start) ? STEP : ""}`);
    } else if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      pass(true);
    }
    if (event.key !== "Shift") leaving = event.key === "Escape";
  }

  area.addEventListener("input", typed);
  area.addEventListener("keydown", press);
  area.addEventListener("blur", () => pass(true)); // what runs next finds what stands here
  for (const kind of ["keyup", "click", "focus", "select"]) area.addEventListener(kind, mark);
  drawn.addEventListener("choose", ({ detail: name }) => {
    const state = states.find(([known]) => known === name);
    if (state) go(state[1] + 1);
  });
  model.on("change:reading", receive);
  living.on("change:selected", mark);
  receive();
  return () => {
    clearTimeout(timer);
    model.off("change:reading", receive);
    living.off("change:selected", mark);
  };
}

export default { render };
