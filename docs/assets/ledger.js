// The ledger's filter. Without JavaScript the page shows every claim and no filter.
document.addEventListener("DOMContentLoaded", () => {
  const bar = document.querySelector(".ledger-filter")
  if (!bar) return
  const claims = [...document.querySelectorAll(".claim")]
  const buttons = [...bar.querySelectorAll("button")]
  const words = bar.querySelector("input")
  const shown = bar.querySelector(".ledger-shown")
  let choice = "all"

  const apply = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean)
    let count = 0
    for (const claim of claims) {
      const byVerdict =
        choice === "all" ||
        (choice === "unexpected" ? "unexpected" in claim.dataset : claim.dataset.verdict.split(" ").includes(choice))
      const text = claim.textContent.toLowerCase()
      const show = byVerdict && wanted.every(word => text.includes(word))
      claim.hidden = !show
      if (show) count += 1
    }
    for (const section of document.querySelectorAll(".ledger-notebook"))
      section.hidden = !section.querySelector(".claim:not([hidden])")
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.show === choice))
    shown.textContent = count === claims.length ? "" : `${count} of ${claims.length} shown`
  }

  // A link to a claim shows it, whatever the filter says, and opens its evidence.
  const follow = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)))
    if (!target) return
    if (target.closest("[hidden]")) {
      choice = "all"
      words.value = ""
      apply()
    }
    for (const evidence of target.closest(".claim")?.querySelectorAll("details") ?? []) evidence.open = true
    target.scrollIntoView()
  }

  for (const button of buttons)
    button.addEventListener("click", () => {
      choice = button.dataset.show
      apply()
    })
  words.addEventListener("input", apply)
  window.addEventListener("hashchange", follow)
  bar.hidden = false
  follow()
})
