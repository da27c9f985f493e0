// Something that opens beside a control: shown above everything, placed within the window, closed by Esc or elsewhere.

const GAP = 6;
const MARGIN = 8;

/** Shows *content* beside *anchor*; `closed` is called when it went away, whoever closed it. */
export class Popup {
  #anchor;
  #content;
  #closed;
  #away = (event) => {
    if (!this.#content.contains(event.target) && !this.#anchor.contains(event.target)) this.close();
  };
  #follow = () => this.place();

  constructor(anchor, content, closed = () => {}) {
    this.#anchor = anchor;
    this.#content = content;
    this.#closed = closed;
    content.popover = "manual";
    content.classList.add("popup");
  }

  get isOpen() {
    return this.#content.matches(":popover-open");
  }

  open() {
    if (this.isOpen) return;
    // Inside the dialog that holds the control, or the dialog would make it inert; else in the same part of the page.
    if (!this.#content.isConnected) (this.#anchor.closest("dialog, main, aside, nav") ?? document.body).append(this.#content);
    this.#content.showPopover();
    this.place();
    document.addEventListener("pointerdown", this.#away, true);
    window.addEventListener("resize", this.#follow);
    window.addEventListener("scroll", this.#follow, true);
  }

  close() {
    if (!this.isOpen) return;
    document.removeEventListener("pointerdown", this.#away, true);
    window.removeEventListener("resize", this.#follow);
    window.removeEventListener("scroll", this.#follow, true);
    this.#content.hidePopover();
    this.#content.remove();
    this.#closed();
  }

  /** Stand below the control where there is room, else above it. */
  place() {
    if (!this.#anchor.isConnected) {
      this.close();
      return;
    }
    const at = this.#anchor.getBoundingClientRect();
    const style = this.#content.style;
    style.maxHeight = ""; // measured as it would like to be
    style.minWidth = `${Math.min(at.width, innerWidth - 2 * MARGIN)}px`;
    const { width, height } = this.#content.getBoundingClientRect();
    const most = parseFloat(getComputedStyle(this.#content).maxHeight) || Infinity; // what the style allows at all
    const below = innerHeight - at.bottom - GAP - MARGIN;
    const above = at.top - GAP - MARGIN;
    const upwards = height > below && above > below;
    style.left = `${Math.max(MARGIN, Math.min(at.left, innerWidth - width - MARGIN))}px`;
    style.top = upwards ? "auto" : `${at.bottom + GAP}px`;
    style.bottom = upwards ? `${innerHeight - at.top + GAP}px` : "auto";
    style.maxHeight = `${Math.min(Math.max(upwards ? above : below, 120), most)}px`;
  }
}
