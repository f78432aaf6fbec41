// The buyers' page.

import { call } from "./api.js";
import { byId, setText } from "./dom.js";
import { EventStream } from "./event_stream.js";
import { CONNECTION_WORDS, formatCount } from "./words.js";

const path = "/v1/sales/default/status";
const show = (status) => {
  setText(byId("title"), status.title);
  setText(byId("left"), `${formatCount(status.availableStock)} left`);
};
new EventStream(`${path}:watch`, {
  poll: async () => ({ status: await call("GET", path) }),
  onMessage: ({ status }) => show(status),
  onConnection: (connection) => setText(byId("connection"), CONNECTION_WORDS[connection]),
});
