//! The layer that makes a [`Codec`](crate::Codec) a component.

/// Exports a [`Codec`](crate::Codec) as a component of the world `codec`. Expands to nothing on other
/// targets, where several guests may be linked into one program.
#[macro_export]
macro_rules! export_codec {
    ($codec:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, clippy::all, missing_docs)]
        mod export {
            use std::sync::Once;

            use $crate::bindings::ringside::edge::host;
            use $crate::wire::{DecodeError, Example, Format, Message, Request};
            use $crate::{Codec, Description};

            /// A codec is not configured: its first call is where it starts.
            fn start() {
                static ONCE: Once = Once::new();
                ONCE.call_once(|| {
                    // A panic would else be written to a standard error stream that the host does not offer.
                    std::panic::set_hook(Box::new(|panic| {
                        host::log(host::Level::Error, &panic.to_string());
                    }));
                    ARENA.open();
                });
            }

            #[global_allocator]
            static ARENA: $crate::Arena = $crate::Arena::new();

            struct Component;

            impl $crate::bindings::Guest for Component {
                fn describe() -> Description {
                    <$codec>::description()
                }

                fn format() -> Format {
                    <$codec>::format()
                }

                fn encode(messages: Vec<Message>) -> Vec<Vec<u8>> {
                    start();
                    messages.iter().map(<$codec>::encode).collect()
                }

                fn decode(frames: Vec<Vec<u8>>) -> Vec<Result<Request, DecodeError>> {
                    start();
                    frames.iter().map(|frame| <$codec>::decode(frame)).collect()
                }

                fn examples() -> Vec<Example> {
                    <$codec>::examples()
                }
            }

            $crate::bindings::export_world!(Component with_types_in $crate::bindings);
        }
    };
}
