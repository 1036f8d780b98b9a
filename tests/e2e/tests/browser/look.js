// Looks at the page as it is drawn. The first argument is the size in pixels below which text is too small.
// Text that is hidden from sight on purpose, for those who listen to the page, is not looked at.
const smallest = arguments[0];
const root = document.documentElement;
const found = { wide: [], clipped: [], small: [], faint: [], overlapping: [], texts: 0 };
const most = 10;

const styles = new Map();
const style = element => {
  if (!styles.has(element)) styles.set(element, getComputedStyle(element));
  return styles.get(element);
};
const name = element => {
  const id = element.id ? `#${element.id}` : "";
  const classes = [...element.classList].map(one => `.${one}`).join("");
  return `${element.tagName.toLowerCase()}${id}${classes}`;
};
const say = (kind, element, text, why) => {
  if (found[kind].length < most) found[kind].push(`${name(element)} “${text.trim().slice(0, 40)}”: ${why}`);
};
const ancestors = element => {
  const all = [];
  for (let one = element; one; one = one.parentElement) all.push(one);
  return all;
};
const aloud = element => ancestors(element).some(one => style(one).clipPath.startsWith("inset(50%"));

// Contrast as WCAG 2.2 defines it.
const colour = text => {
  const numbers = text.match(/[\d.]+/g).map(Number);
  const scale = text.startsWith("color(") ? 255 : 1;
  const [red, green, blue] = numbers.slice(0, 3).map(number => number * scale);
  return { red, green, blue, alpha: numbers.length > 3 ? numbers[3] : 1 };
};
const over = (top, below) => {
  const mix = part => top[part] * top.alpha + below[part] * (1 - top.alpha);
  return { red: mix("red"), green: mix("green"), blue: mix("blue"), alpha: 1 };
};
const luminance = ({ red, green, blue }) => {
  const linear = [red, green, blue].map(part => part / 255)
    .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const background = element => {
  const layers = ancestors(element).map(one => colour(style(one).backgroundColor)).filter(one => one.alpha > 0);
  return layers.reverse().reduce((below, top) => over(top, below), { red: 255, green: 255, blue: 255, alpha: 1 });
};
const contrast = element => {
  const below = background(element);
  const [dark, light] = [luminance(over(colour(style(element).color), below)), luminance(below)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};

// What is left of a rectangle after everything around it has cut something off; whether the rest can be scrolled to.
const shown = (rectangle, element) => {
  let { left, right, top, bottom } = rectangle;
  let scrolls = false;
  let cut = null;
  for (const one of ancestors(element)) {
    if (one === root || one === document.body) continue;
    const { overflowX, overflowY } = style(one);
    if (overflowX === "visible" && overflowY === "visible") continue;
    const box = one.getBoundingClientRect();
    const beyond = right > box.right + 1 || left < box.left - 1 || bottom > box.bottom + 1 || top < box.top - 1;
    if (overflowX === "auto" || overflowX === "scroll") scrolls = true;
    else if (beyond && !scrolls) cut = cut || `cut off by ${name(one)}`;
    left = Math.max(left, box.left); right = Math.min(right, box.right);
    top = Math.max(top, box.top); bottom = Math.min(bottom, box.bottom);
  }
  if (!scrolls && !cut && (rectangle.right > root.clientWidth + 1 || rectangle.left < -1)) cut = "beyond the window's edge";
  return { left, right, top, bottom, cut };
};

if (root.scrollWidth > root.clientWidth) {
  found.wide.push(`${root.scrollWidth} px in a window of ${root.clientWidth} px`);
}

const pieces = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
  if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || aloud(element)) continue;
  const size = parseFloat(style(element).fontSize);
  if (size === 0) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  const rectangles = [...range.getClientRects()].filter(one => one.width > 0 && one.height > 0);
  // A link for those who use the keyboard waits to the left of the page until it is reached.
  if (rectangles.length === 0 || rectangles.every(one => one.right + scrollX <= 0)) continue;
  found.texts += 1;
  if (size < smallest) say("small", element, node.data, `${size} px`);
  const large = size >= 24 || (size >= 18.66 && Number(style(element).fontWeight) >= 700);
  const ratio = contrast(element);
  if (ratio < (large ? 3 : 4.5)) say("faint", element, node.data, `contrast ${ratio.toFixed(2)}`);
  for (const one of rectangles) {
    const rest = shown(one, element);
    if (rest.cut) say("clipped", element, node.data, rest.cut);
    // Lines of text may touch; what is written over something else takes more of it than the space between lines.
    const slack = (rest.bottom - rest.top) * 0.3;
    const piece = { left: rest.left + 1, right: rest.right - 1, top: rest.top + slack, bottom: rest.bottom - slack };
    if (piece.left < piece.right && piece.top < piece.bottom) pieces.push({ ...piece, element, text: node.data });
  }
}

pieces.sort((a, b) => a.top - b.top);
pieces.forEach((one, index) => {
  for (let next = index + 1; next < pieces.length && pieces[next].top < one.bottom; next += 1) {
    const other = pieces[next];
    if (one.text !== other.text && one.left < other.right && other.left < one.right) {
      say("overlapping", one.element, one.text, `and “${other.text.trim().slice(0, 40)}”`);
    }
  }
});
return found;
