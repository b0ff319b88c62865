// The moments follow the slider at once: what it shows lies here before it is asked for, and the kernel, which makes
// it, is asked for what comes next. Everything from the kernel is HTML in which all data is escaped.

const AHEAD = 10; // moments on either side that are asked for, once fewer than half as many are here
const MOST = 400; // moments that are kept

function frame(head) {
  const made = document.createElement("div");
  made.innerHTML = `<div class="sfn-workbench moments">
    <div class="side"><div class="moment" aria-live="polite"></div><div class="pane drawn"></div></div>
    <div class="side"><div class="pane rows"><table class="events">
      <thead><tr><th>${head}</th></tr></thead><tbody></tbody></table></div><div class="pane detail"></div></div>
  </div><div class="cursor"></div>`;
  return made;
}

function row(number, [failure, line]) {
  const made = document.createElement("tr");
  made.dataset.event = number;
  made.dataset.failure = failure ? "failure" : "";
  made.innerHTML = `<td>${line}</td>`;
  return made;
}

async function render({ model, el }) {
  const slider = await model.widget_manager.get_model(model.get("slider").replace("IPY_MODEL_", ""));
  const made = frame(model.get("head"));
  const part = (name) => made.querySelector(name);
  const [moment, drawn, rows, detail, cursor] = [".moment", ".drawn", ".rows", ".detail", ".cursor"].map(part);
  const body = rows.querySelector("tbody");
  const moments = new Map(), lines = new Map(), pictures = new Map(), asked = new Set();
  let picture = null, shown = null;
  el.replaceChildren(made);

  const position = () => slider.get("value");

  function forget() {
    for (const kept of [moments, lines, pictures, asked]) kept.clear();
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
    if (picture !== now.picture) drawn.innerHTML = pictures.get((picture = now.picture));
    detail.innerHTML = now.detail;
    detail.scrollTop = 0;
    cursor.innerHTML = now.cursor;
    page(now.rows, now.position);
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

  function receive(message) {
    if (message.renewed) {
      forget();
      shown = picture = null;
      body.replaceChildren();
    }
    for (const [number, line] of message.lines ?? []) lines.set(number, line);
    for (const [key, svg] of message.pictures ?? []) pictures.set(key, svg);
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
  slider.on("change:value", follow);
  model.on("msg:custom", receive);
  follow();
  return () => {
    slider.off("change:value", follow);
    model.off("msg:custom", receive);
  };
}

export default { render };
