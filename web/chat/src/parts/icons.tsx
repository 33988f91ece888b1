/** Small pictures, drawn for this page: 20 units square, one stroke. */

const PATHS = {
  like: "M6.5 9.2 9.6 3c1 0 1.9.8 1.9 1.9v2.9h4a1.5 1.5 0 0 1 1.5 1.8l-1 5.2a1.5 1.5 0 0 1-1.5 1.2h-8m0-6.8V16m0-6.8H3.5V16h3",
  dislike:
    "M13.5 10.8 10.4 17c-1 0-1.9-.8-1.9-1.9v-2.9h-4A1.5 1.5 0 0 1 3 10.4l1-5.2A1.5 1.5 0 0 1 5.5 4h8m0 6.8V4m0 6.8h3V4h-3",
  reply: "M8 5 3.5 9.5 8 14M3.5 9.5h8a5 5 0 0 1 5 5V16",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  edit: "m12.5 4.5 3 3L7 16H4v-3z",
  trash: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.7 9v4.5M11.3 9v4.5",
  pin: "M7.5 3.5h5l-.7 5 2.7 2.5h-9l2.7-2.5zM10 11v5.5",
  check: "m4.5 10.5 3.5 3.5 7.5-8",
  close: "m5 5 10 10M15 5 5 15",
  send: "M3.5 10 16.5 4l-4 12.5-3-5zM9.5 11.5 16.5 4",
  people:
    "M7.5 9.5a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4ZM2.5 16c.3-3 2.2-4.5 5-4.5s4.700 1.500 5 4.500M12.500 4.500a2.600 2.600 0 0 1 0 5M14 11.700c2 .4 3.200 1.800 3.500 4.300",
  sun: "M10 13.200a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400ZM10 2.500v1.600M10 15.900v1.600M2.500 10h1.600M15.900 10h1.600M4.700 4.700l1.100 1.100M14.200 14.200l1.100 1.100M4.700 15.300l1.100-1.100M14.200 5.800l1.100-1.100",
  moon: "M16 11.800A6.500 6.500 0 0 1 8.200 4a6.500 6.500 0 1 0 7.800 7.800Z",
  auto: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm0 0v14M10.500 6.500l4 0M10.500 10l6 0M10.500 13.500l4 0",
  sliders: "M3.500 6h7M14.500 6h2M3.500 14h2M9.500 14h7M12.500 4v4M7.500 12v4",
  shield: "M10 3 4.500 5v4.500c0 3.500 2.300 6 5.500 7.500 3.200-1.500 5.500-4 5.500-7.500V5z",
  down: "M10 4v11M5.500 10.500 10 15l4.500-4.500",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm0-10.500V10l2.500 2",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration: the control that it stands in has the name. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
