// The lanes lie on a canvas, since there may be thousands of bars. What failed is painted last and never thinner than
// can be seen, so that nothing hides it.

const LANE = 20, AXIS = 20, LEAST = 3; // pixels
const WRONG = new Set(["failed", "timed_out", "aborted", "caught", "attempt"]);

async function render({ model, el, host }) {
  const root = document.createElement("div");
  root.className = "sfn-workbench lanes";
  root.dataset.lmSuppressShortcuts = "true";
  root.innerHTML = `<div class="tools"><span></span><button title="Longer">+</button><button title="Shorter">−</button>
    <button title="All of the time">Fit</button></div><div class="scroll"><div class="names"></div>
    <canvas tabindex="0" role="slider" aria-label="Timeline: arrow keys go from bar to bar"></canvas></div>`;
  el.replaceChildren(root);
  const [said, canvas, names] = ["span", "canvas", ".names"].map((one) => root.querySelector(one));
  const slider = await host.getModel(model.get("slider").replace("IPY_MODEL_", "anywidget:"));
  let from = 0, span = 1, looks = {}, bars = [], held = null, moved = false;

  const length = () => Math.max(model.get("length"), 0.001);
  const x = (seconds) => ((seconds - from) / span) * canvas.clientWidth;

  function read() {
    const lanes = model.get("lanes");
    bars = [...model.get("bars")].sort((one, other) => WRONG.has(one[3]) - WRONG.has(other[3]));
    names.replaceChildren(...lanes.map((name) => Object.assign(document.createElement("div"), { textContent: name, title: name })));
    said.textContent = model.get("said");
    canvas.style.height = `${Math.max(lanes.length, 1) * LANE + AXIS}px`;
    all();
  }

  function all() {
    from = -length() * 0.01;
    span = length() * 1.02;
    paint();
  }

  function colours() {
    const probe = document.createElement("i"), found = {};
    root.append(probe);
    for (const look of ["succeeded", "failed", "waiting", "choosing", "running", "caught", "aborted", "timed_out", "unreached"]) {
      probe.dataset.look = look;
      probe.style.cssText = "color:var(--fill);background:var(--border)";
      const style = getComputedStyle(probe);
      found[look] = [style.color, style.backgroundColor];
    }
    found.attempt = [found.failed[1], found.failed[1]];
    for (const [name, value] of [["pause", "--line"], ["ink", "--ink"], ["quiet", "--quiet"], ["mark", "--accent"]]) {
      probe.style.cssText = `color:var(${value})`;
      found[name] = [getComputedStyle(probe).color, "transparent"];
    }
    probe.remove();
    return found;
  }

  function paint() {
    const [wide, high, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
    if (!wide) return;
    looks = colours();
    Object.assign(canvas, { width: wide * ratio, height: high * ratio });
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "11px system-ui, sans-serif";
    const step = [1, 2, 5].flatMap((n) => Array.from({ length: 12 }, (_, e) => n * 10 ** (e - 4))).sort((a, b) => a - b).find((one) => (one / span) * wide > 90) ?? span;
    for (let tick = Math.ceil(Math.max(from, 0) / step) * step; tick <= from + span; tick += step) {
      pen.fillStyle = looks.pause[0];
      pen.fillRect(x(tick), 0, 1, high - AXIS);
      pen.fillStyle = looks.quiet[0];
      const words = `${Number(tick.toPrecision(10)).toLocaleString("en", { maximumFractionDigits: 6 })} s`;
      if (x(tick) + 3 + pen.measureText(words).width < wide) pen.fillText(words, x(tick) + 3, high - 6);
    }
    for (const [lane, left, width, look] of bars) {
      const [fill, edge] = looks[look] ?? looks.unreached, begin = x(left), end = Math.max(x(left + width), begin + LEAST);
      if (end < 0 || begin > wide) continue;
      const thin = look === "pause" || look === "attempt" ? 3 : 0;
      pen.fillStyle = fill;
      pen.fillRect(begin, lane * LANE + 3 + thin, end - begin, LANE - 6 - 2 * thin);
      if (end - begin <= LEAST + 1) {
        pen.fillStyle = edge;
        pen.fillRect(begin, lane * LANE + 3 + thin, end - begin, LANE - 6 - 2 * thin);
      } else {
        pen.strokeStyle = edge;
        pen.strokeRect(begin + 0.5, lane * LANE + 3.5 + thin, end - begin - 1, LANE - 7 - 2 * thin);
      }
    }
    cursor();
  }

  const line = Object.assign(document.createElement("i"), { className: "now" });
  canvas.after(line);
  function cursor() {
    const at = x(model.get("at"));
    line.hidden = !(at >= 0 && at <= canvas.clientWidth);
    line.style.transform = `translateX(${canvas.offsetLeft + at}px)`;
    line.style.height = `${canvas.clientHeight - AXIS}px`;
  }

  function zoom(by, at = canvas.clientWidth / 2) {
    const fixed = from + (at / canvas.clientWidth) * span;
    span = Math.min(span / by, length() * 1.02);
    from = Math.min(Math.max(fixed - (at / canvas.clientWidth) * span, -length() * 0.01), length() * 1.01 - span);
    paint();
  }

  function choose(bar) {
    if (!bar?.[4]) return;
    slider.set("value", bar[4]);
    slider.save_changes();
  }

  function bar(event) {
    const lane = Math.floor(event.offsetY / LANE), at = event.offsetX;
    return bars.findLast(([own, left, width, , position]) => own === lane && position && x(left) - 2 <= at && at <= Math.max(x(left + width), x(left) + LEAST) + 2);
  }

  canvas.addEventListener("pointerdown", (event) => ((held = [event.clientX, from]), (moved = false)));
  canvas.addEventListener("pointermove", (event) => {
    canvas.style.cursor = bar(event) ? "pointer" : "";
    if (!held || (!moved && Math.abs(event.clientX - held[0]) < 4)) return;
    moved = true;
    from = Math.min(Math.max(held[1] - ((event.clientX - held[0]) / canvas.clientWidth) * span, -length() * 0.01), length() * 1.01 - span);
    paint();
  });
  for (const ended of ["pointerup", "pointerleave"]) canvas.addEventListener(ended, () => (held = null));
  canvas.addEventListener("click", (event) => moved || choose(bar(event)));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, event.offsetX);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const on = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!on) return;
    event.preventDefault();
    const order = bars.filter((one) => one[4]).sort((one, other) => one[4] - other[4]), here = slider.get("value");
    choose(on > 0 ? order.find((one) => one[4] > here) : order.findLast((one) => one[4] < here));
  });
  [() => zoom(2), () => zoom(0.5), all].forEach((act, at) => root.querySelectorAll("button")[at].addEventListener("click", act));

  model.on("change:bars", read);
  model.on("change:at", cursor);
  const watch = new ResizeObserver(paint), theme = new MutationObserver(() => setTimeout(paint, 300)); // once its style is here
  read();
  watch.observe(canvas);
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  return () => {
    watch.disconnect();
    theme.disconnect();
    model.off("change:bars", read);
    model.off("change:at", cursor);
  };
}

export default { render };
