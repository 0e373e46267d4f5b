for (const figure of document.querySelectorAll(".wipe")) {
  const slider = figure.querySelector("input"), pictures = figure.querySelector(".pictures");
  const put = () => pictures.style.setProperty("--at", slider.value + "%");
  slider.addEventListener("input", put);
  pictures.addEventListener("pointermove", event => {
    if (!event.buttons && event.pointerType !== "mouse") return;
    const box = pictures.getBoundingClientRect();
    slider.value = Math.round(100 * (event.clientX - box.left) / box.width);
    put();
  });
  put();
}
