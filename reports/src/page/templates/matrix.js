// Sorts and filters the survival matrix. Rates and rounding are those of the Rust code; a test compares them. An interval
// needs the sources behind the counts, which are not here: a figure that a filter changed has none.
(() => {
  "use strict";
  document.documentElement.classList.remove("no-script");
  const data = JSON.parse(document.getElementById("data").textContent);
  const table = document.querySelector("table.matrix");
  const body = table.tBodies[0];
  const form = document.querySelector("form.filters");
  const rows = [...body.rows];
  const outcomes = data.outcomes.length, carriers = data.carriers.length;

  // Rust rounds ties to even, toFixed away from zero; a tie at d decimals is an odd multiple of 1 / 2^(d + 1).
  const fixed = (value, decimals) => {
    const doubled = value * 2 ** (decimals + 1);
    if (Number.isInteger(doubled) && doubled % 2 !== 0) {
      const down = Math.floor(value * 10 ** decimals);
      return ((down % 2 === 0 ? down : down + 1) / 10 ** decimals).toFixed(decimals);
    }
    return value.toFixed(decimals);
  };
  const percent = (fraction) => {
    const value = fraction * 100, end = fraction <= 0 || fraction >= 1;
    for (let decimals = 1; decimals < 4; decimals++) {
      const text = fixed(value, decimals);
      if (end || !["0.", "100."].includes(text.replace(/0+$/, ""))) return text;
    }
    return fixed(value, 4);
  };
  const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

  const empty = () => ({ n: 0, counts: new Array(outcomes + 2 * carriers).fill(0) });
  const add = (to, cell) => {
    for (let i = 0; i < to.counts.length; i++) to.counts[i] += cell[4 + i];
    for (let i = 0; i < outcomes; i++) to.n += cell[4 + i];
  };
  const survived = (tally) => tally.counts.slice(0, data.surviving).reduce((a, b) => a + b, 0);
  const hits = (tally, key) => key === "any" ? survived(tally) : tally.counts[outcomes + Number(key)];

  const showRate = (td, k, n, whole) => {
    const small = td.querySelector("small");
    td.firstChild.nodeType === Node.TEXT_NODE || td.insertBefore(document.createTextNode(""), small);
    if (n === 0) {
      td.firstChild.data = "not measured";
      small.textContent = "";
      td.removeAttribute("style");
      return;
    }
    td.firstChild.data = percent(k / n) + " %";
    small.textContent = whole[0] === k && whole[1] === n ? td.dataset.bounds : "no interval";
    td.style.setProperty("--v", fixed(k / n * 100, 0));
  };
  const showRow = (row, tally, whole) => {
    row.querySelector("[data-key=n]").textContent = count(tally.n);
    for (const td of row.querySelectorAll("td.rate")) {
      const key = td.dataset.key;
      showRate(td, hits(tally, key), tally.n, [hits(whole, key), whole.n]);
    }
    const lost = [];
    for (let i = data.surviving; i < outcomes; i++) if (tally.counts[i]) lost.push(data.outcomes[i] + " " + count(tally.counts[i]));
    row.querySelector("[data-key=lost]").textContent = lost.join(", ");
  };

  const plus = (to, from) => {
    to.n += from.n;
    from.counts.forEach((number, i) => { to.counts[i] += number; });
  };
  // What the page says without a filter: those figures keep the intervals of the markup.
  const wholes = rows.map(empty), wholeTotal = empty();
  for (const cell of data.cells) add(wholes[cell[0]], cell);
  for (const row of rows) if (data.pooled[row.dataset.index]) plus(wholeTotal, wholes[row.dataset.index]);
  for (const td of table.querySelectorAll("td.rate")) td.dataset.bounds = td.querySelector("small").textContent;

  let tallies = [], sortKey = null, ascending = true;

  // What is chosen stands in the address, so that it can be sent to somebody: "#matrix&family=social&sort=any". Choices go by
  // their words, since places in lists differ from run to run.
  const PLACE = "#matrix";
  const word = (field) => field.tagName === "SELECT" ? (field.value === "" ? "" : field.selectedOptions[0].text) : field.value.trim();
  const remember = () => {
    const chosen = new URLSearchParams();
    for (const field of form.elements) if (field.name && word(field) !== "") chosen.set(field.name, word(field));
    if (sortKey !== null) chosen.set("sort", (ascending ? "" : "-") + sortKey);
    const text = chosen.toString();
    if (text === "" && !location.hash.startsWith(PLACE + "&")) return;
    history.replaceState(null, "", text === "" ? PLACE : PLACE + "&" + text);
  };
  const recall = () => {
    if (!location.hash.startsWith(PLACE + "&")) return;
    const chosen = new URLSearchParams(location.hash.slice(PLACE.length + 1));
    for (const field of form.elements) {
      if (!field.name) continue;
      const wanted = chosen.get(field.name) ?? "";
      if (field.tagName !== "SELECT") field.value = wanted;
      else field.selectedIndex = Math.max(0, [...field.options].findIndex((option, i) => i > 0 && option.text === wanted));
    }
    const sort = chosen.get("sort") ?? "", key = sort.replace(/^-/, "");
    if (table.tHead.querySelector('th[data-sort="' + CSS.escape(key) + '"]')) order(key, !sort.startsWith("-"));
    document.getElementById(PLACE.slice(1)).scrollIntoView();
  };
  const order = (key, up) => {
    [sortKey, ascending] = [key, up];
    for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
    table.tHead.querySelector('th[data-sort="' + CSS.escape(key) + '"]').setAttribute("aria-sort", up ? "ascending" : "descending");
  };
  const value = (row, key) => {
    const tally = tallies[row.dataset.index];
    if (key === "id") return row.cells[0].textContent;
    if (key === "grade") return row.cells[1].textContent;
    if (key === "n") return tally.n;
    if (key === "lost") return tally.n - survived(tally);
    return tally.n === 0 ? -1 : hits(tally, key) / tally.n;
  };
  const sort = () => {
    const sorted = sortKey === null ? rows : [...rows].sort((a, b) => {
      const [x, y] = [value(a, sortKey), value(b, sortKey)];
      const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
      return (ascending ? order : -order) || a.dataset.index - b.dataset.index;
    });
    body.append(...sorted);
  };
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const text = wanted.text.trim().toLowerCase();
    const isOpen = (place, choice) => choice === "" || Number(choice) === place;
    tallies = rows.map(empty);
    for (const cell of data.cells) {
      if (isOpen(cell[1], wanted.class) && isOpen(cell[2], wanted.format) && isOpen(cell[3], wanted.band)) {
        add(tallies[cell[0]], cell);
      }
    }
    const total = empty();
    let shown = 0;
    for (const row of rows) {
      const index = row.dataset.index, tally = tallies[index];
      const name = row.cells[0].textContent.toLowerCase();
      row.hidden = (wanted.family !== "" && data.families[index] !== wanted.family) || !name.includes(text);
      showRow(row, tally, wholes[index]);
      if (row.hidden) continue;
      shown += 1;
      if (data.pooled[index]) plus(total, tally);
    }
    showRow(table.tFoot.rows[0], total, wholeTotal);
    document.querySelector("#shown small").firstChild.data =
      shown + (shown === 1 ? " pipeline, " : " pipelines, ") + count(total.n) + " ops. 0 % ";
    sort();
  };

  for (const heading of table.tHead.querySelectorAll("th[data-sort]")) {
    heading.querySelector("button").addEventListener("click", () => {
      const key = heading.dataset.sort;
      // Figures are wanted from the worst, names from the first.
      order(key, sortKey === key ? !ascending : true);
      sort();
      remember();
    });
  }
  const chosen = () => { apply(); remember(); };
  form.addEventListener("input", chosen);
  form.addEventListener("reset", () => setTimeout(chosen));
  addEventListener("hashchange", () => { recall(); apply(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("download").addEventListener("click", () => {
    const quote = (text) => '"' + String(text).replace(/"/g, '""') + '"';
    const lines = [["pipeline", "n", ...data.outcomes, ...data.carriers.map((c) => "by_" + c), ...data.carriers.map((c) => "only_by_" + c)].map(quote).join(",")];
    for (const row of body.rows) {
      const tally = tallies[row.dataset.index];
      if (!row.hidden) lines.push([quote(row.cells[0].textContent), tally.n, ...tally.counts].join(","));
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
    link.download = "matrix.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  recall();
  apply();
  // A page that was mailed alone has nothing beside it. A picture may be asked for where a file may not: if the badge is not
  // there, what would lead to files becomes plain words.
  const beside = new Image();
  beside.addEventListener("error", () => {
    for (const link of document.querySelectorAll("a[href]")) {
      if (/^(#|[a-z]+:)/i.test(link.getAttribute("href"))) continue;
      if (link.classList.contains("behind")) { link.remove(); continue; }
      const words = document.createElement("span");
      words.append(...link.childNodes);
      if (link.title) words.title = link.title;
      link.replaceWith(words);
    }
    document.documentElement.classList.add("alone");
  });
  beside.src = "badge.svg";
})();
