// What the page knows: who speaks, where, what that person sees. The feed and people change it; the parts listen.

import * as control from "./control.js";
import { whenReleased } from "./press.js";
import * as reading from "./reading.js";

const PRIVATE = "is_ephemeral";
const MOST_AGAIN = 10; // a playground that was started anew counts from the beginning; the feed finds that out

/**
 * The page's one state. Events: `workspace`, `person`, `place`, `reloaded`, `thread`, `replies` (of the thread have
 * been read), `message` (detail: channel, message, kind), `read`, `views`, `home`, `trouble` (detail: text, empty when
 * it is over), `reach` (detail: whether the playground answers).
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
  #untold = null;

  constructor() {
    super();
    reading.onReadElsewhere(() => this.workspace && this.#tell("read"));
  }

  /** Read the workspace and everything that the person sees; keep person, place and thread where they still exist. */
  async load() {
    const before = this.place;
    this.workspace = await control.workspace();
    this.seq = this.workspace.seq;
    const remembered = reading.remembered();
    this.me = this.#person(this.me ?? remembered.person) ?? this.workspace.people[0].id;
    await this.#loadPerson();
    if (!this.channel(this.place)) this.place = this.channel(remembered.place)?.id ?? this.#firstPlace();
    this.#tell("workspace");
    if (this.place !== before) {
      this.thread = null;
      this.#enter();
      return;
    }
    await this.#loadThread();
    this.#tell("reloaded");
  }

  /** Be somebody else, at the same place if that person sees it; who cannot be reached nobody becomes. */
  async speakAs(person) {
    if (person === this.me) return;
    const before = this.me;
    this.me = person;
    this.#untold ??= []; // half of what somebody sees is not drawn
    try {
      await this.#loadPerson();
    } catch (error) {
      if (this.me === person) this.#tellOn(() => (this.me = before));
      this.trouble(error.message);
      return;
    }
    if (this.me !== person) return; // somebody else was chosen meanwhile
    this.#tellOn(() => {
      this.thread = null;
      if (!this.visibleChannels().some((channel) => channel.id === this.place)) this.place = this.#firstPlace();
      this.#tell("person");
      this.#enter();
    });
  }

  /** Go to a channel or direct message, and there to a tab. */
  goTo(channelId, tab = "messages") {
    this.place = channelId;
    this.tab = tab;
    this.thread = null;
    this.#enter();
  }

  /** Show a thread beside the conversation, or none: at once, so that what is typed next goes there; replies follow. */
  async openThread(ts) {
    this.thread = ts;
    this.#tell("thread");
    if (!ts) return;
    try {
      await this.#keepThread(ts);
    } catch (error) {
      this.trouble(error.message);
    }
    if (this.thread === ts) this.#tell("replies");
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

  /** Return how many messages the person has not read, in all channels together. */
  allUnread() {
    return this.visibleChannels().reduce((sum, channel) => sum + this.unread(channel.id).count, 0);
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
    keep(this.#channels, channel, [message]);
    this.#tell("message", { channel, message, kind });
  }

  /** Take a message away, and tell the parts. */
  dropMessage(channel, message) {
    this.#channels.get(channel)?.delete(message.ts);
    this.#tell("message", { channel, message, kind: "deleted" });
  }

  /** Tell the person about something that went wrong; an empty text takes that back. */
  trouble(text) {
    this.#tell("trouble", { text });
  }

  /** Tell whether the playground answers. */
  reach(there) {
    this.#tell("reach", { there });
  }

  /** Read what the person sees; what was known before stays when that fails. */
  async #loadPerson() {
    const { me } = this;
    const before = this.#channels;
    const channels = new Map();
    this.#channels = channels;
    try {
      const direct = await control.messages(me, "bot");
      if (!this.channel(direct.channel)) this.workspace = await control.workspace();
      await Promise.all(this.visibleChannels().map((channel) => this.#loadChannel(me, channel.id, channels)));
      const shown = await this.#current(() => control.views(me));
      if (this.#channels !== channels) return;
      this.views = shown.modals;
      this.home = shown.home;
      this.#tell("views");
    } catch (error) {
      if (this.#channels === channels) this.#channels = before;
      throw error;
    }
  }

  async #loadChannel(me, id, channels) {
    const { messages } = await this.#current(() => control.messages(me, id));
    keep(channels, id, messages);
    reading.begin(me, id, messages.at(-1)?.ts ?? "0");
  }

  /** Read the open thread anew; where its message is gone, so is the thread. */
  async #loadThread() {
    if (this.thread === null) return;
    try {
      await this.#keepThread(this.thread);
    } catch (error) {
      if (!(error instanceof control.Refused)) throw error;
    }
    if (this.message(this.place, this.thread)) return;
    this.thread = null;
    this.#tell("thread");
  }

  async #keepThread(ts) {
    const channels = this.#channels;
    const { place, me } = this;
    keep(channels, place, (await this.#current(() => control.messages(me, place, ts))).messages);
  }

  /** Return an answer that is no older than what the feed has told: one from before would undo what it told. */
  async #current(read) {
    let answer = await read();
    for (let again = 0; answer.seq < this.seq && again < MOST_AGAIN; again += 1) answer = await read();
    return answer;
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
    if (this.#untold) this.#untold.push([kind, detail]);
    else whenReleased(() => this.dispatchEvent(new CustomEvent(kind, { detail })));
  }

  /** Do *first*, then tell what happened while nothing was told. */
  #tellOn(first) {
    const untold = this.#untold ?? [];
    this.#untold = null;
    first();
    for (const [kind, detail] of untold) this.#tell(kind, detail);
  }
}

function keep(channels, id, messages) {
  if (!channels.has(id)) channels.set(id, new Map());
  for (const message of messages) channels.get(id).set(message.ts, message);
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
  ack_failed: (store, event) => store.trouble(event.plain ?? event.error),
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
