// A picture in which one zooms, walks and clicks. The SVG is drawn once; a moment names the look of each state reached,
// and a style gives looks their colours. What is shown of an execution is set as text; in the SVG all names are escaped.

const LARGEST = 4 / 3; // pixels a point: the size that the drawing has as a picture
const LEGIBLE = 0.95; // below, one sees a part of the picture at this scale instead of the whole
const STEP = 1.3;

// A state may have the name of something that every object has.
const own = (of, name) => (Object.hasOwn(of, name) ? of[name] : undefined);

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function render({ model, el, signal }) {
  const root = element("div", "sfn-living"), tools = element("div", "tools"), scene = element("div", "scene");
  const find = element("input", "find"), names = element("datalist"), tip = element("div", "tip"), said = element("p", "said");
  root.dataset.lmSuppressShortcuts = "true";
  names.id = `states-${Math.random().toString(36).slice(2)}`;
  Object.assign(find, { placeholder: "find a state", type: "search", spellcheck: false });
  find.setAttribute("list", names.id);
  find.setAttribute("aria-label", "Find a state");
  said.setAttribute("aria-live", "polite");
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  let svg = null, groups = new Map(), edges = new Map(), shown = {}, size = [1, 1], view = null, tried = null, hovered = null;

  for (const [sign, words, act] of [
    ["+", "Larger", () => zoom(STEP)],
    ["−", "Smaller", () => zoom(1 / STEP)],
    ["Fit", "All of the picture", () => fit(0)],
  ]) {
    const made = element("button", "", sign);
    made.title = words;
    made.setAttribute("aria-label", words);
    made.addEventListener("click", act);
    tools.append(made);
  }
  tools.append(find, names);
  scene.append(tip);
  root.append(tools, scene, said);
  el.replaceChildren(root);

  function place() {
    svg?.setAttribute("viewBox", view.map((one) => one.toFixed(2)).join(" "));
  }

  // Where a view begins that is to show a place: it does not go beyond the whole, and is in the middle of a smaller one.
  const within = (at, span, whole) => (span < whole ? Math.min(Math.max(at, 0), whole - span) : (whole - span) / 2);

  // As much as fits; of a picture that would be too small to read, its beginning or the state that is selected.
  function fit(least) {
    const [wide, high] = [scene.clientWidth, scene.clientHeight];
    if (!svg || !wide || !high) return;
    const scale = Math.max(Math.min(wide / size[0], high / size[1], LARGEST), least);
    const [w, h] = [wide / scale, high / scale];
    view = [(size[0] - w) / 2, within(0, h, size[1]), w, h];
    place();
    if (least) reveal(groups.get(model.get("selected"))?.[0] ?? svg.querySelector(".node"));
  }

  function zoom(by, at = [view[0] + view[2] / 2, view[1] + view[3] / 2]) {
    const scale = scene.clientWidth / view[2], next = Math.min(Math.max(scale * by, 0.05), 6);
    view = [at[0] - ((at[0] - view[0]) * scale) / next, at[1] - ((at[1] - view[1]) * scale) / next, scene.clientWidth / next, scene.clientHeight / next];
    place();
  }

  function reveal(group) {
    if (!group || !view) return;
    const box = group.getBoundingClientRect(), pane = scene.getBoundingClientRect(), scale = pane.width / view[2];
    [["left", "right"], ["top", "bottom"]].forEach(([low, high], axis) => {
      if (box[low] >= pane[low] && box[high] <= pane[high]) return;
      const off = (box[low] + box[high] - pane[low] - pane[high]) / 2 / scale;
      view[axis] = within(view[axis] + off, view[axis + 2], size[axis]);
    });
    place();
  }

  function draw() {
    const { svg: source, types = {}, edges: lines = {}, label, guessed } = model.get("picture");
    scene.querySelectorAll(":scope > :not(.tip)").forEach((one) => one.remove());
    scene.insertAdjacentHTML("afterbegin", source);
    svg = scene.querySelector("svg");
    groups = new Map();
    edges = new Map();
    shown = {};
    tools.hidden = !svg;
    root.classList.toggle("guessed", Boolean(guessed));
    if (!svg) return;
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", label);
    size = svg.getAttribute("viewBox").split(/\s+/).slice(2).map(Number);
    for (const side of ["width", "height"]) svg.setAttribute(side, "100%");
    const first = svg.querySelector(".node"); // over the edges, which would cross the badges
    for (const edge of svg.querySelectorAll(".edge")) first.before(edge);
    for (const group of svg.querySelectorAll("[data-state]")) {
      const name = group.dataset.state;
      groups.set(name, [...(groups.get(name) ?? []), group]);
      group.setAttribute("tabindex", "0");
      group.setAttribute("role", "button");
    }
    for (const [id, [kind]] of Object.entries(lines)) {
      const edge = svg.querySelector(`[id="${id}"]`);
      if (edge) edges.set(id, edge).get(id).dataset.kind = kind;
    }
    names.replaceChildren(...Object.keys(types).map((name) => Object.assign(element("option"), { value: name })));
    scene.style.flexBasis = `${Math.min(size[1] * LARGEST, 620)}px`;
    colour();
    mark();
    fit(LEGIBLE);
  }

  function badge(group, words) {
    group.querySelector(".badge")?.remove();
    if (!words) return;
    const box = [...group.children].find((one) => /path|polygon|ellipse/.test(one.tagName)).getBBox();
    const made = document.createElementNS(svg.namespaceURI, "g"), width = words.length * 5.4 + 10;
    made.setAttribute("class", "badge");
    made.innerHTML = `<rect width="${width}" height="15" rx="7.5"/><text x="${width / 2}" y="11" text-anchor="middle"></text>`;
    made.querySelector("text").textContent = words;
    // Beside the middle of the upper edge, where the usual arrow comes in; of a box, at its corner.
    const left = group.matches(".cluster") ? box.width - width : box.width / 2;
    made.setAttribute("transform", `translate(${box.x + left + 6} ${box.y - 12})`);
    group.append(made);
  }

  function colour() {
    const { states = {}, taken, lit, plain } = model.get("moment"), { types = {}, signs = {} } = model.get("picture");
    for (const [name, drawn] of groups) {
      const [look, visit, attempt] = own(states, name) ?? [plain ? "plain" : "unreached", 0, 0];
      const key = `${look} ${visit} ${attempt}`;
      if (shown[name] === key) continue;
      shown[name] = key;
      const counts = [visit > 1 && `${visit} visits`, attempt > 1 && `attempt ${attempt}`].filter(Boolean).join(", ");
      const words = { plain: "", unreached: "not reached" }[look] ?? look.replace("_", " ");
      for (const group of drawn) {
        group.dataset.look = look;
        const sign = group.querySelector(".sign");
        if (sign) sign.textContent = signs[look];
        badge(group, counts);
        group.setAttribute("aria-label", [name, types[name], words, counts].filter(Boolean).join(", "));
      }
    }
    const ways = taken && new Set(taken);
    root.classList.toggle("walked", Boolean(ways));
    for (const [id, edge] of edges) {
      edge.classList.toggle("taken", Boolean(ways?.has(id)));
      edge.classList.toggle("lit", id === lit);
    }
  }

  function mark() {
    const selected = model.get("selected");
    svg?.querySelectorAll(".selected").forEach((one) => one.classList.remove("selected"));
    for (const group of groups.get(selected) ?? []) group.classList.add("selected");
    for (const [name, drawn] of groups) for (const one of drawn) one.setAttribute("aria-pressed", String(name === selected));
    reveal(groups.get(selected)?.[0]);
  }

  function choose(name) {
    if (!groups.has(name)) return;
    root.dispatchEvent(new CustomEvent("choose", { bubbles: true, detail: name })); // for who holds the picture
    model.set("selected", name); // at once; Python says so to all others
    model.send({ chosen: name });
  }

  function hint(group) {
    hovered = group?.dataset.state;
    if (!hovered) return (tip.hidden = true);
    const lines = own(model.get("hover"), hovered);
    say(group, lines ?? []);
    if (!lines) model.send({ hovered });
  }

  function say(group, lines) {
    const box = group.getBoundingClientRect(), pane = scene.getBoundingClientRect();
    tip.replaceChildren(element("b", "", group.getAttribute("aria-label")), ...lines.map((line) => element("div", "", line)));
    tip.hidden = false;
    const left = Math.min(Math.max(box.left - pane.left, 4), pane.width - tip.offsetWidth - 4);
    const below = box.bottom - pane.top + 6, above = box.top - pane.top - tip.offsetHeight - 6;
    tip.style.transform = `translate(${left}px, ${below + tip.offsetHeight > pane.height && above > 0 ? above : below}px)`;
  }

  const over = (event) => event.target.closest?.("[data-state]");
  let held = null, moved = false;
  scene.addEventListener("pointerdown", (event) => {
    if (event.button || !view) return;
    held = [event.clientX, event.clientY, ...view];
    moved = false;
  });
  scene.addEventListener("pointermove", (event) => {
    if (!held) return;
    const by = [event.clientX - held[0], event.clientY - held[1]], scale = scene.clientWidth / view[2];
    if (!moved && Math.hypot(...by) < 4) return;
    if (!moved) scene.setPointerCapture(event.pointerId);
    moved = true;
    tip.hidden = true;
    view = [held[2] - by[0] / scale, held[3] - by[1] / scale, view[2], view[3]];
    place();
  });
  for (const ended of ["pointerup", "pointercancel", "pointerleave"]) scene.addEventListener(ended, () => (held = null));
  scene.addEventListener("click", (event) => {
    const group = over(event);
    if (group && !moved) choose(group.dataset.state);
  });
  scene.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
    event.preventDefault();
    const pane = scene.getBoundingClientRect(), scale = pane.width / view[2];
    zoom(event.deltaY < 0 ? 1.12 : 1 / 1.12, [view[0] + (event.clientX - pane.left) / scale, view[1] + (event.clientY - pane.top) / scale]);
  }, { passive: false });
  scene.addEventListener("pointerover", (event) => (held ? null : hint(over(event))));
  scene.addEventListener("pointerleave", () => hint(null));
  scene.addEventListener("focusin", (event) => {
    reveal(over(event));
    hint(over(event));
  });
  scene.addEventListener("focusout", () => hint(null));
  scene.addEventListener("keydown", (event) => {
    const group = over(event);
    if (group && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      choose(group.dataset.state);
    } else if ("+-=0".includes(event.key) && !event.ctrlKey && !event.metaKey) {
      event.key === "0" ? fit(0) : zoom(event.key === "-" ? 1 / STEP : STEP);
    }
  });
  find.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Enter") return;
    event.preventDefault(); // the one who holds the picture may take the focus
    seek();
  });
  find.addEventListener("input", (event) => event.inputType || seek()); // chosen from the list
  function seek() {
    const wanted = find.value.toLowerCase(), known = [...groups.keys()];
    const name = known.find((one) => one.toLowerCase() === wanted) ?? known.find((one) => wanted && one.toLowerCase().includes(wanted));
    find.setCustomValidity(name || !wanted ? "" : "no such state");
    if (!name) return;
    if (view[2] > scene.clientWidth / LEGIBLE) zoom((view[2] / scene.clientWidth) * LEGIBLE);
    reveal(groups.get(name)[0]);
    choose(name);
  }

  const listeners = {
    "change:picture": draw,
    "change:moment": colour,
    "change:selected": mark,
    "change:caption": () => (said.textContent = model.get("caption")),
    "msg:custom": ({ hovered: name, lines }) => name && name === hovered && say(groups.get(name)[0], lines),
  };
  for (const [name, act] of Object.entries(listeners)) model.on(name, act);
  const watch = new ResizeObserver(() => {
    const now = `${scene.clientWidth} ${scene.clientHeight}`;
    if (now !== tried) fit(LEGIBLE);
    tried = now;
  });
  said.textContent = model.get("caption");
  draw();
  watch.observe(scene);
  return () => {
    watch.disconnect();
    for (const [name, act] of Object.entries(listeners)) model.off(name, act);
  };
}

export default { render };
