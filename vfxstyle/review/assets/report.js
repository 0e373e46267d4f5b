const strip = JSON.parse(document.getElementById("strip").textContent);
const scrub = document.querySelector(".scrub"), pictures = scrub.querySelector(".pictures");
const [graded, plate] = scrub.querySelectorAll("img");
const frame = scrub.querySelector(".frame"), at = scrub.querySelector(".at");
const show = () => {
  const [number, before, after] = strip[frame.value];
  plate.src = before;
  graded.src = after;
  scrub.querySelector("output").textContent = "frame " + number;
};
const wipe = () => pictures.style.setProperty("--at", at.value + "%");
frame.addEventListener("input", show);
at.addEventListener("input", wipe);
pictures.addEventListener("pointermove", event => {
  const box = pictures.getBoundingClientRect();
  at.value = Math.round(100 * (event.clientX - box.left) / box.width);
  wipe();
});
show();
wipe();
