"""What a careful look at a page finds, at any width and in both themes."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page, TimeoutError

from tests.browser.visitor import PATIENCE, SECONDS

DESK = {"width": 1280, "height": 900}
WIDTHS = (1920, 1280, 1024, 853, 768, 390, 320)

# What lies beyond the page, or is cut by what it lies in and cannot be scrolled to.
CUT = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  const left = main.getBoundingClientRect().left, right = left + main.clientWidth;
  const cut = [];
  if (document.documentElement.scrollWidth > innerWidth || main.scrollWidth > main.clientWidth)
    cut.push('the page itself');
  const controls = 'button, a, label, input, h1, h2, h3, canvas, table, .js-plotly-plot, .gtitle, '
    + '.modebar, [data-testid=stDataFrame], [data-testid=stMarkdownContainer]';
  for (const element of main.querySelectorAll(controls)) {
    const box = element.getBoundingClientRect();
    if (box.width < 2 || !element.checkVisibility({visibilityProperty: true})) continue;
    let [from, to] = [left, right], scrolls = false;
    for (let parent = element.parentElement; parent !== main; parent = parent.parentElement) {
      const {overflowX} = getComputedStyle(parent), around = parent.getBoundingClientRect();
      if (overflowX === 'visible' || around.width < 2) continue;
      if (overflowX !== 'hidden' && overflowX !== 'clip') scrolls = true;
      if (scrolls) break;
      [from, to] = [Math.max(from, around.left), Math.min(to, around.right)];
    }
    if (!scrolls && (box.left < from - 2 || box.right > to + 2))
      cut.push(`<${element.tagName} class="${element.getAttribute('class')}"> `
        + element.textContent.slice(0, 40));
  }
  return cut;
}"""
HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
  .filter(heading => heading.checkVisibility())
  .map(heading => [+heading.tagName[1], heading.innerText])"""
DRAWN = """() => [...document.querySelectorAll('.live-charts > [role=figure]')].every(chart => {
  const {top, bottom, width} = chart.getBoundingClientRect();
  return !width || bottom < 0 || top > innerHeight || chart.querySelector('.main-svg');
})"""
# Rule → Streamlit's own elements for which it does not hold:
# - A row of sections that scrolls ends with one that is partly out of sight until it is scrolled.
# - A table that scrolls gets the focus from the browser itself, which axe-core does not count.
EXCUSED = {
    "target-size": ".st-key-sections",
    "scrollable-region-focusable": "[data-testid=stTable]",
}
EVERYTHING = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
BY_THEME_AND_WIDTH = ["color-contrast", "target-size"]  # what can be bad on the phone only
AXE = """([rules, excused]) => axe.run({elementRef: true, runOnly: rules})
  .then(({violations}) => violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .flatMap(({id, nodes}) => nodes
      .filter(({element}) => !excused[id] || !element.closest(excused[id]))
      .map(({html, failureSummary}) =>
        `${id}: ${html.slice(0, 200)} ${failureSummary.slice(0, 300)}`)))"""


def look(page: Page) -> list[str]:
    """What is cut or inaccessible, on a desk in the light and on a phone in the dark."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESK)
    page.wait_for_function(DRAWN)
    problems = [*violations(page, EVERYTHING), *jumps(page.evaluate(HEADINGS))]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        problems += [f"at a width of {width}, {what} is cut" for what in cut(page)]
    page.emulate_media(color_scheme="dark")
    problems += violations(page, BY_THEME_AND_WIDTH)
    page.set_viewport_size(DESK)
    return problems


def cut(page: Page) -> list[str]:
    """What is cut; tables and charts may take a moment to take the page's width."""
    try:
        page.wait_for_function(f"() => !({CUT})().length", timeout=PATIENCE / 2)
    except TimeoutError:
        return page.evaluate(CUT)
    return []


def violations(page: Page, rules: list[str]) -> list[str]:
    """axe-core's serious and critical violations that last: a theme may take a moment to change."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(content=(files("axe_playwright_python") / "axe.min.js").read_text())
    for pause in (1, 2, 4, 8, 16, 32):
        problems = page.evaluate(AXE, [rules, EXCUSED])
        if not problems:
            break
        page.wait_for_timeout(pause * SECONDS)
    return problems


def jumps(headings: list[tuple[int, str]]) -> list[str]:
    """Headings more than one level below the one before."""
    levels = [0, *(level for level, _ in headings)]
    return [
        f"h{level} “{text}” after h{before}"
        for before, (level, text) in zip(levels, headings, strict=False)
        if level > before + 1
    ]
