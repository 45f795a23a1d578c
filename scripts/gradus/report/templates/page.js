// Filter, sort and open examples. Without scripts every example is on the page all the same.
(() => {
  const list = document.getElementById("samples");
  if (!list) return;
  document.documentElement.classList.add("js");
  const samples = [...list.children];
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = samples.filter((sample) => !sample.open);
    for (const sample of closed) sample.open = true;
  });
  addEventListener("afterprint", () => { for (const sample of closed) sample.open = false; });
  const at = (id) => document.getElementById(id);
  if (!at("pick-tag")) return; // without a grade there is nothing to sort by
  const [tag, order, words, shown] = ["pick-tag", "pick-order", "pick-words", "shown"].map(at);
  const orders = {
    change: (a, b) => Math.abs(b.dataset.change) - Math.abs(a.dataset.change),
    best: (a, b) => b.dataset.tuned - a.dataset.tuned,
    worst: (a, b) => a.dataset.tuned - b.dataset.tuned,
  };
  const update = () => {
    const wanted = words.value.trim().toLowerCase();
    let count = 0;
    for (const sample of samples) {
      const fits = (!tag.value || sample.dataset.tags.split(",").includes(tag.value)) && sample.textContent.toLowerCase().includes(wanted);
      sample.hidden = !fits;
      count += fits;
    }
    list.append(...[...samples].sort(orders[order.value]));
    shown.textContent = `${count} of ${samples.length} shown`;
  };
  for (const control of [tag, order, words]) control.addEventListener("input", update);
  update();
})();
