// The moments follow the slider at once: what it shows lies here before it is asked for, and the kernel, which makes
// it, is asked for what comes next. The picture and the timeline are widgets of their own, which are given the moment.
// Everything from the kernel is HTML in which all data is escaped, or is set as text.

const AHEAD = 10; // moments on either side that are asked for, once fewer than half as many are here
const MOST = 400; // moments that are kept
const PAUSE = 2000; // ms between two looks at a running execution

function frame(head, tabs) {
  const made = document.createElement("div");
  made.innerHTML = `<div class="sfn-workbench moments">
    <div class="side"><div class="moment" aria-live="polite"></div><div class="pane drawn"></div></div>
    <div class="side"><div class="pane rows"><table class="events">
      <thead><tr><th>${head}</th></tr></thead><tbody></tbody></table></div>
      <div class="tabs" role="tablist">${tabs.map((tab) => `<button role="tab" data-tab="${tab}">${tab}</button>`).join("")}</div>
      <div class="pane detail" role="tabpanel"></div>
      <form class="query"><select aria-label="Of which payload"><option value="input">Input</option><option value="output">Output</option></select>
        <input aria-label="A JSONPath or JSONata expression" placeholder="$.path or JSONata, then Enter" spellcheck="false"><pre hidden></pre></form></div>
  </div><div class="pane chart"></div>`;
  return made;
}

function row(number, [failure, line]) {
  const made = document.createElement("tr");
  made.dataset.event = number;
  made.dataset.failure = failure ? "failure" : "";
  made.innerHTML = `<td>${line}</td>`;
  return made;
}

async function render({ model, el, host, signal }) {
  const reference = (name) => model.get(name).replace("IPY_MODEL_", "anywidget:");
  const [slider, living, lanes] = await Promise.all(["slider", "living", "lanes"].map((one) => host.getModel(reference(one))));
  const made = frame(model.get("head"), model.get("tabs"));
  made.dataset.lmSuppressShortcuts = "true";
  const part = (name) => made.querySelector(name);
  const [moment, rows, detail, form, head] = [".moment", ".rows", ".detail", ".query", "th"].map(part);
  const body = rows.querySelector("tbody"), result = form.querySelector("pre"), asking = form.querySelector("input");
  const moments = new Map(), lines = new Map(), asked = new Set();
  let shown = null, copying = null, timer = null;
  el.replaceChildren(made);
  for (const [name, into] of [["living", ".drawn"], ["lanes", ".chart"]])
    host.getWidget(reference(name)).then((widget) => widget.render({ el: part(into), signal }));
  model.set("zone", Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC");
  model.save_changes();

  const position = () => slider.get("value");

  function forget() {
    for (const kept of [moments, lines, asked]) kept.clear();
  }

  function page(wanted, here) {
    const numbers = new Set(wanted);
    for (const one of [...body.children]) if (!numbers.has(Number(one.dataset.event))) one.remove();
    wanted.forEach((number, place) => {
      let one = body.children[place];
      if (one?.dataset.event !== String(number)) {
        one = row(number, lines.get(number));
        body.insertBefore(one, body.children[place] ?? null);
      }
      one.className = `${number === here ? "here" : number > here ? "later" : ""} ${one.dataset.failure}`.trim();
      one.toggleAttribute("aria-current", number === here);
    });
    if (!wanted.length) body.innerHTML = `<tr><td>${model.get("nothing")}</td></tr>`;
    const place = wanted.findIndex((number) => number >= here);
    if (place >= 0) rows.scrollTop = place * body.firstElementChild.offsetHeight - rows.clientHeight * 0.4;
  }

  function show(now) {
    if (now === shown) return;
    shown = now;
    moment.innerHTML = now.caption;
    living.set({ moment: now.picture, selected: now.state, caption: now.words });
    lanes.set("at", now.at);
    detail.innerHTML = now.detail;
    detail.scrollTop = 0;
    for (const pre of detail.querySelectorAll("pre[data-payload]")) {
      pre.insertAdjacentHTML("beforebegin", `<span class="tools">${"cut" in pre.dataset ? '<button data-do="all">show all</button>' : ""}<button data-do="copy">copy</button></span>`);
    }
    page(now.rows, now.position);
    query();
  }

  function follow() {
    const here = position();
    if (moments.has(here)) {
      show(moments.get(here));
      if (missing(here, AHEAD / 2).length) ask(missing(here, AHEAD));
    } else {
      ask(missing(here, 0));
    }
  }

  function missing(here, reach) {
    const around = Array.from({ length: 2 * reach + 1 }, (_, at) => here - reach + at);
    return around.filter((one) => one > 0 && one <= slider.get("max") && !moments.has(one) && !asked.has(one));
  }

  function ask(needed) {
    if (!needed.length) return;
    if (moments.size > MOST) forget();
    needed.forEach((one) => asked.add(one));
    model.send({ asked: needed });
  }

  function query() {
    result.hidden = !asking.value;
    if (asking.value) model.send({ of: position(), whole: form.querySelector("select").value, query: asking.value });
  }

  function unfold({ whole, of, text }) {
    const pre = detail.querySelector(`pre[data-payload="${whole}"]`);
    if (!pre || of !== position()) return;
    pre.textContent = text;
    delete pre.dataset.cut;
    pre.previousElementSibling?.querySelector('[data-do="all"]')?.remove();
    if (copying === whole) navigator.clipboard?.writeText(text);
    copying = null;
  }

  function tab() {
    for (const one of made.querySelectorAll("[data-tab]")) one.setAttribute("aria-selected", one.dataset.tab === model.get("tab"));
  }

  function live() {
    clearTimeout(timer);
    if (model.get("live")) timer = setTimeout(() => (document.hidden ? live() : model.send({ again: true })), PAUSE);
  }

  function receive(message) {
    if (message.renewed) {
      forget();
      shown = null;
      head.innerHTML = model.get("head");
      body.replaceChildren();
    }
    if (message.followed) return live();
    if (message.whole) return unfold(message);
    if (message.found !== undefined) return (result.textContent = message.found);
    for (const [number, line] of message.lines ?? []) lines.set(number, line);
    for (const one of message.moments ?? []) {
      moments.set(one.position, one);
      asked.delete(one.position);
    }
    // While the slider is dragged over what is not here yet, what it passed shows how it goes.
    if (message.moments?.length === 1 && !moments.has(position())) show(message.moments[0]);
    follow();
  }

  rows.addEventListener("click", (event) => {
    const number = event.target.closest("tr[data-event]")?.dataset.event;
    if (!number) return;
    slider.set("value", Number(number));
    slider.save_changes();
    el.closest(".widget-vbox.sfn-workbench")?.querySelector(".noUi-handle")?.focus({ preventScroll: true });
  });
  part(".tabs").addEventListener("click", (event) => {
    if (!event.target.dataset.tab) return;
    model.set("tab", event.target.dataset.tab);
    model.save_changes();
  });
  detail.addEventListener("click", (event) => {
    const act = event.target.dataset.do, pre = event.target.parentElement.nextElementSibling;
    if (act === "copy" && !("cut" in pre.dataset)) navigator.clipboard?.writeText(pre.textContent);
    else if (act) model.send({ of: position(), whole: pre.dataset.payload });
    if (act === "copy") copying = pre.dataset.payload;
    if (act === "copy") event.target.textContent = "copied";
  });
  form.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Enter") return;
    event.preventDefault();
    query();
  });
  form.addEventListener("change", query);
  slider.on("change:value", follow);
  const listeners = { "msg:custom": receive, "change:tab": tab, "change:live": live };
  for (const [name, act] of Object.entries(listeners)) model.on(name, act);
  tab();
  live();
  follow();
  return () => {
    clearTimeout(timer);
    slider.off("change:value", follow);
    for (const [name, act] of Object.entries(listeners)) model.off(name, act);
  };
}

export default { render };
