"""Scripts that measure a page from within, for `webui_pages.py`."""

from __future__ import annotations

#: Collects long tasks from the first moment on.
WATCH = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) window.longTasks.push([startTime, duration]);
}).observe({ type: "longtask", buffered: true });
"""
#: The moments of a page that has loaded, in milliseconds after it was asked for.
MOMENTS = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const painted = performance.getEntriesByName("first-contentful-paint")[0];
  const ends = window.longTasks.map(([start, duration]) => start + duration);
  return {
    answered: page.responseStart,
    drawn: painted ? painted.startTime : NaN,
    usable: Math.max(page.domContentLoadedEventEnd, ...ends),
    blocked: window.longTasks.reduce((sum, [, duration]) => sum + duration - 50, 0),
    bytes: page.encodedBodySize,
  };
}"""
#: Starts noting the time of every frame.
RECORD = """() => {
  window.frames_ = [];
  const tick = (now) => { window.frames_.push(now); window.frame_ = requestAnimationFrame(tick); };
  window.frame_ = requestAnimationFrame(tick);
}"""
FRAMES = "() => { cancelAnimationFrame(window.frame_); return window.frames_.slice(1).map((t, i) => t - frames_[i]); }"
#: What an edit holds the page up for: text of a segment in the middle, until the next frame is due.
EDIT = """() => {
  const said = [...document.querySelectorAll(".cue .said")].at(-20);
  said.scrollIntoView();
  said.focus();
  said.textContent += "。";
  const start = performance.now();
  said.blur();
  document.body.offsetHeight;
  return performance.now() - start;
}"""
