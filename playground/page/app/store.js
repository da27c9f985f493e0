// What the page knows: who speaks, where, what that person sees. The feed and people change it; the parts listen.

import * as control from "./control.js";
import * as reading from "./reading.js";

const PRIVATE = "is_ephemeral";

/**
 * The page's one state. Events: `workspace`, `person`, `place`, `thread`, `message` (detail: channel, message, kind),
 * `read`, `views`, `home`, `trouble` (detail: text), `reach` (detail: whether the playground answers).
 */
export class Store extends EventTarget {
  workspace = null;
  me = null;
  place = null;
  tab = "messages";
  thread = null;
  views = [];
  home = null;
  seq = 0;
  unreadFrom = null;
  #channels = new Map();

  /** Read the workspace and everything that the person sees; keep person and place where they still exist. */
  async load() {
    this.workspace = await control.workspace();
    this.seq = this.workspace.seq;
    const remembered = reading.remembered();
    this.me = this.#person(this.me ?? remembered.person) ?? this.workspace.people[0].id;
    await this.#loadPerson();
    if (!this.channel(this.place)) this.place = this.channel(remembered.place)?.id ?? this.#firstPlace();
    this.#tell("workspace");
    this.#enter();
  }

  /** Be somebody else, at the same place if that person sees it. */
  async speakAs(person) {
    if (person === this.me) return;
    this.me = person;
    this.thread = null;
    this.home = null;
    await this.#loadPerson();
    if (!this.visibleChannels().some((channel) => channel.id === this.place)) this.place = this.#firstPlace();
    this.#tell("person");
    this.#enter();
  }

  /** Go to a channel or direct message, and there to a tab. */
  goTo(channelId, tab = "messages") {
    this.place = channelId;
    this.tab = tab;
    this.thread = null;
    this.#enter();
  }

  /** Show a thread beside the conversation, or none. */
  async openThread(ts) {
    this.thread = ts;
    if (ts) this.#keep(this.place, (await control.messages(this.me, this.place, ts)).messages);
    this.#tell("thread");
  }

  /** Take in an event of the feed. */
  async take(event) {
    this.seq = Math.max(this.seq, event.seq);
    if (event.channel && !this.channel(event.channel)) await this.#refreshWorkspace();
    if (event.visible_to && !event.visible_to.includes(this.me)) return;
    const handle = HANDLERS[event.kind];
    if (handle) handle(this, event);
  }

  channel(id) {
    return this.workspace?.channels.find((channel) => channel.id === id);
  }

  person(id) {
    return this.workspace?.people.find((person) => person.id === id);
  }

  /** Return the direct message between the person and the app, if it was ever opened. */
  directMessage() {
    return this.workspace.channels.find((channel) => channel.is_im && channel.members.includes(this.me));
  }

  /** Return the channels that the person sees, direct messages left out. */
  visibleChannels() {
    return this.workspace.channels.filter((channel) =>
      channel.is_im ? channel.members.includes(this.me) : !channel.is_private || channel.members.includes(this.me),
    );
  }

  /** Return the shortcuts that the app registered, of one kind: "global" or "message". */
  shortcuts(kind) {
    return (this.workspace.app.shortcuts ?? []).filter((one) => one.type === kind);
  }

  /** Return a message that the person sees, or undefined. */
  message(channel, ts) {
    return this.#channels.get(channel)?.get(ts);
  }

  /** Return what stands in a channel itself, oldest first. */
  conversation(channel) {
    return this.#sorted(channel).filter(isTop);
  }

  /** Return a thread with the message that it hangs on, oldest first. */
  replies(channel, ts) {
    return this.#sorted(channel).filter((message) => message.ts === ts || message.thread_ts === ts);
  }

  /** Return how many messages of a channel the person has not read, and whether one calls them. */
  unread(channel) {
    const since = reading.lastRead(this.me, channel);
    const fresh = this.#sorted(channel).filter((message) => message.ts > since && message.user !== this.me);
    const calling = fresh.filter((message) => this.calls(message));
    return { count: fresh.filter((message) => isTop(message) || this.calls(message)).length, called: calling.length };
  }

  /** Say whether a message mentions the person, or a group that they are in. */
  calls(message) {
    const groups = this.workspace.groups.filter((group) => group.users.includes(this.me));
    const names = [`<@${this.me}`, ...groups.map((group) => `<!subteam^${group.id}`)];
    return names.some((name) => (message.text ?? "").includes(name)) || /<!(here|channel|everyone)/.test(message.text);
  }

  /** Remember that the person has seen everything in a channel. */
  markRead(channel) {
    const newest = this.#sorted(channel).at(-1)?.ts ?? "0";
    if (newest <= reading.lastRead(this.me, channel)) return;
    reading.markRead(this.me, channel, newest);
    this.#tell("read");
  }

  /** Put what the app shows the person in a modal's place; the newest is last. */
  setViews(stack) {
    this.views = stack;
    this.#tell("views");
  }

  setHome(view) {
    this.home = view;
    this.#tell("home");
  }

  /** Add or replace a message, and tell the parts. */
  putMessage(channel, message, kind) {
    if (isReply(message) && kind === "posted" && !message[PRIVATE]) this.#countReply(channel, message);
    this.#keep(channel, [message]);
    this.#tell("message", { channel, message, kind });
  }

  /** Take a message away, and tell the parts. */
  dropMessage(channel, message) {
    this.#channels.get(channel)?.delete(message.ts);
    this.#tell("message", { channel, message, kind: "deleted" });
  }

  /** Tell the person about something that went wrong. */
  trouble(text) {
    this.#tell("trouble", { text });
  }

  /** Tell whether the playground answers. */
  reach(there) {
    this.#tell("reach", { there });
  }

  async #loadPerson() {
    this.#channels.clear();
    const direct = await control.messages(this.me, "bot");
    if (!this.channel(direct.channel)) this.workspace = await control.workspace();
    await Promise.all(
      this.visibleChannels().map(async (channel) => {
        this.#keep(channel.id, (await control.messages(this.me, channel.id)).messages);
        reading.begin(this.me, channel.id, this.#sorted(channel.id).at(-1)?.ts ?? "0");
      }),
    );
    const shown = await control.views(this.me);
    this.views = shown.modals;
    this.home = shown.home;
    this.#tell("views");
  }

  async #refreshWorkspace() {
    this.workspace = await control.workspace();
    this.#tell("workspace");
  }

  #enter() {
    reading.remember(this.me, this.place);
    const { count } = this.unread(this.place);
    this.unreadFrom = count ? reading.lastRead(this.me, this.place) : null;
    this.#tell("place");
    this.#tell("thread");
  }

  #person(id) {
    return this.workspace.people.find((person) => person.id === id)?.id;
  }

  #firstPlace() {
    return this.visibleChannels().find((channel) => !channel.is_im)?.id ?? this.visibleChannels()[0]?.id;
  }

  #keep(channel, messages) {
    if (!this.#channels.has(channel)) this.#channels.set(channel, new Map());
    for (const message of messages) this.#channels.get(channel).set(message.ts, message);
  }

  #sorted(channel) {
    return [...(this.#channels.get(channel)?.values() ?? [])].sort((a, b) => (a.ts < b.ts ? -1 : 1));
  }

  /** The feed tells of a reply only; its parent's count is Slack's own bookkeeping. */
  #countReply(channel, reply) {
    const parent = this.message(channel, reply.thread_ts);
    if (!parent || reply.ts <= (parent.latest_reply ?? "0")) return;
    const changed = { ...parent, reply_count: (parent.reply_count ?? 0) + 1, latest_reply: reply.ts };
    this.putMessage(channel, changed, "changed");
  }

  #tell(kind, detail = {}) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

/** Say whether a message stands in the channel itself. */
export function isTop(message) {
  return !isReply(message) || message.subtype === "thread_broadcast";
}

function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}

const changed = (store, event) => store.putMessage(event.channel, event.message, "changed");
const posted = (store, event) => store.putMessage(event.channel, event.message, "posted");
const gone = (store, event) => store.dropMessage(event.channel, event.message);

const HANDLERS = {
  message_posted: posted,
  ephemeral_posted: posted,
  message_changed: changed,
  ephemeral_changed: changed,
  message_deleted: gone,
  ephemeral_deleted: gone,
  ack_failed: (store, event) => store.trouble(event.plain),
  view_opened: (store, event) => store.setViews([...store.views.filter(isNot(event.view)), event.view]),
  view_changed: (store, event) => {
    if (event.view.type === "home") store.setHome(event.view);
    else store.setViews(store.views.map((view) => (view.id === event.view.id ? event.view : view)));
  },
  view_closed: (store, event) => store.setViews(store.views.filter(isNot(event.view))),
  home_published: (store, event) => store.setHome(event.view),
  completions_changed: (store) => store.dispatchEvent(new CustomEvent("completions")),
};

const isNot = (view) => (other) => other.id !== view.id;
